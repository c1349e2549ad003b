import assert from "node:assert/strict";
import { test } from "node:test";
import { run } from "../../vm/run.ts";
import { interpret } from "../ir/interpret.ts";
import type { IrProgram } from "../ir/ir.ts";
import { RandomSource, randomIr } from "../ir/random.ts";
import { printIr } from "../ir/text.ts";
import { assertIr } from "../ir/verify.ts";
import { generate, StackTooLarge, type Target } from "./index.ts";

const helpers = { ktime: 5, random: 7 };

/** Both machines see the same world: each call of a helper gives the next number of a fixed row. */
function world(): { next: () => bigint } {
  let count = 0n;
  return { next: () => (++count * 0x1234_5678_9abc_def1n) & 0xffff_ffffn };
}

function memoryOf(seed: number): Uint8Array {
  const random = new RandomSource(seed ^ 0x5555);
  return Uint8Array.from({ length: 256 }, () => random.below(256));
}

function outcomeOfIr(program: IrProgram, seed: number): readonly [bigint, Uint8Array] {
  const memory = memoryOf(seed);
  const { next } = world();
  return [interpret(program, { memory, call: next }), memory];
}

function outcomeOfCode(
  program: IrProgram,
  seed: number,
  target: Target,
  registers: number,
): readonly [bigint, Uint8Array] {
  const memory = memoryOf(seed);
  const { next } = world();
  const { instructions } = generate(program, { target, registers, checkAllocation: true });
  const { result } = run(instructions, { memory, clock: next, random: () => Number(next()) });
  return [result, memory];
}

for (const isa of [3, 4] as const) {
  for (const registers of [3, 5, 10]) {
    test(`random programs do in bytecode what they do in IR (ISA version ${isa}, ${registers} registers)`, () => {
      for (let seed = 1; seed <= 40; seed++) {
        const program = randomIr(seed, { size: 20 + (seed % 5) * 30, helpers: [helpers.ktime, helpers.random] });
        assertIr(program);
        const expected = outcomeOfIr(program, seed);
        let actual: ReturnType<typeof outcomeOfCode>;
        try {
          actual = outcomeOfCode(program, seed, { isa, littleEndian: true, mixedStackWrites: isa === 4 }, registers);
        } catch (error) {
          if (error instanceof StackTooLarge) continue;
          throw new Error(`seed ${seed}\n${printIr(program)}`, { cause: error });
        }
        assert.deepEqual(actual, expected, `seed ${seed}\n${printIr(program)}`);
      }
    });
  }
}
