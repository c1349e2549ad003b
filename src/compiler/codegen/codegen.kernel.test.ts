import assert from "node:assert/strict";
import { test } from "node:test";
import { supports } from "../../kernel/features.ts";
import { KernelProgram } from "../../kernel/programs.ts";
import { skipWithoutBpf } from "../../kernel/testing.ts";
import { runXdp } from "../../vm/run.ts";
import { interpret } from "../ir/interpret.ts";
import { RandomSource, randomIr } from "../ir/random.ts";
import { printIr } from "../ir/text.ts";
import { generate } from "./index.ts";

const seeds = Array.from({ length: 25 }, (_, index) => index + 1);

for (const isa of [3, 4] as const) {
  for (const registers of [3, 10]) {
    const skip = skipWithoutBpf || (isa === 4 && !supports("isa-v4") ? "the kernel has no ISA version 4" : false);
    const how = `ISA version ${isa}, ${registers} registers`;
    test(`the kernel accepts random programs and runs them as the IR says (${how})`, { skip }, () => {
      for (const seed of seeds) {
        const program = randomIr(seed, { size: 15 + (seed % 4) * 15, parameter: "packet" });
        const random = new RandomSource(seed);
        const packet = Uint8Array.from({ length: 256 }, () => random.below(256));
        const memory = packet.slice();
        const expected = interpret(program, { memory, parameter: "context" });
        const { instructions } = generate(program, {
          target: { isa, littleEndian: true, mixedStackWrites: false },
          registers,
          checkAllocation: true,
        });
        const text = `seed ${seed}\n${printIr(program)}`;
        const inVm = runXdp(instructions, packet);
        assert.deepEqual([inVm.result, inVm.packet], [expected, memory], text);
        using loaded = load(instructions, text);
        const inKernel = loaded.testRun({ packet });
        assert.deepEqual([BigInt(inKernel.returnValue), inKernel.packet], [BigInt.asUintN(32, expected), memory], text);
      }
    });
  }
}

function load(instructions: ReturnType<typeof generate>["instructions"], text: string): KernelProgram {
  try {
    return KernelProgram.load({ name: "codegen", type: "xdp", instructions, license: "GPL" });
  } catch (error) {
    throw new Error(text, { cause: error });
  }
}
