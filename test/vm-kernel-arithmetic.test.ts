import assert from "node:assert/strict";
import { test } from "node:test";
import * as build from "../src/bytecode/build.ts";
import type { Instruction } from "../src/bytecode/instruction.ts";
import { AluCode, type AluOperation, JumpCode, type JumpOperation } from "../src/bytecode/opcode.ts";
import { KernelMap } from "../src/kernel/maps.ts";
import { KernelProgram } from "../src/kernel/programs.ts";
import { skipWithoutBpf } from "../src/kernel/testing.ts";
import { link } from "../src/vm/link.ts";
import { createMap } from "../src/vm/maps/create.ts";
import { runSkb } from "../src/vm/run.ts";

/**
 * One program per operation computes every pair of operands in a straight line: operands and results lie in the one
 * value of an array map, so that a whole table costs one load and one run, and the verifier knows no operand.
 */
const edges: readonly bigint[] = [
  ...[0n, 1n, 2n, 7n, 31n, 32n, 33n, 63n, 64n, 0x7fn, 0x80n, 0xffn, 0x7fffn, 0x8000n, 0xffffn, 0x7fff_ffffn],
  ...[0x8000_0000n, 0x8000_0001n, 0xffff_ffffn, 0x1_0000_0000n, 0x1_0000_0001n, 0x7fff_ffff_ffff_ffffn],
  ...[0x8000_0000_0000_0000n, 0x8000_0000_0000_0001n, 0xffff_ffff_0000_0000n, 0xffff_ffff_8000_0000n],
  ...[0xffff_ffff_ffff_fffen, 0xffff_ffff_ffff_ffffn, 0x0123_4567_89ab_cdefn],
];
const immediates = [...new Set(edges.map((value) => Number(BigInt.asIntN(32, value))))];
const packet = new Uint8Array(14);

/** Registers of the generated code: r6 the value's address, r0 first operand and result, r2 second operand. */
type Compute = (index: number) => readonly Instruction[];

interface Case {
  readonly a: bigint;
  readonly b: bigint;
  readonly compute: Compute;
}

/** Loads a and b of the case, computes, stores r0 in the place of the result. */
function programFor(cases: readonly Case[]): Instruction[] {
  const body = cases.flatMap(({ compute }, index) => [
    build.load(8, 0, 6, (index % 1000) * 24),
    build.load(8, 2, 6, (index % 1000) * 24 + 8),
    ...compute(index),
    build.store(8, 6, (index % 1000) * 24 + 16, 0),
    // The displacement has 16 bits: move the base on.
    ...(index % 1000 === 999 ? [build.alu64("add", 6, 24_000)] : []),
  ]);
  return [build.loadWide(6, 0n), ...body, build.movImm(0, 0), build.exit()];
}

function compare(name: string, cases: readonly Case[]): void {
  const shape = { name: "operands", type: "array", keySize: 4, valueSize: cases.length * 24, maxEntries: 1 } as const;
  const value = new BigUint64Array(cases.flatMap(({ a, b }) => [a, b, 0n]));
  const bytes = new Uint8Array(value.buffer);
  const key = new Uint8Array(4);
  const program = { name, instructions: programFor(cases), mapReferences: [{ index: 0, map: "operands", offset: 0 }] };

  using kernelMap = KernelMap.create(shape);
  kernelMap.update(key, bytes);
  using loaded = KernelProgram.load(
    { ...program, type: "sched_cls", license: "GPL" },
    { maps: { operands: kernelMap } },
  );
  loaded.testRun({ packet });

  const map = createMap(shape);
  map.update(key, bytes);
  runSkb(link(program, { operands: map }), packet);

  const words = (stored: Uint8Array | undefined) => new BigUint64Array(stored!.slice().buffer);
  const [fromKernel, fromMachine] = [words(kernelMap.lookup(key)), words(map.lookup(key))];
  cases.forEach(({ a, b }, index) => {
    const at = index * 3 + 2;
    const operands = `case ${index}: 0x${a.toString(16)}, 0x${b.toString(16)}`;
    assert.equal(`0x${fromMachine[at]!.toString(16)}`, `0x${fromKernel[at]!.toString(16)}`, operands);
  });
}

function* registerCases(compute: Compute): Generator<Case> {
  for (const a of edges) {
    for (const b of edges) {
      yield { a, b, compute };
    }
  }
}

function* immediateCases(
  compute: (immediate: number) => Compute,
  fits: (immediate: number) => boolean,
): Generator<Case> {
  for (const a of edges) {
    for (const immediate of immediates.filter(fits)) {
      yield { a, b: BigInt.asUintN(64, BigInt(immediate)), compute: compute(immediate) };
    }
  }
}

/** The verifier refuses constant divisors of zero and constant shift counts that are too large. */
function immediateFits(operation: AluOperation, bits: number, immediate: number): boolean {
  if (["div", "mod", "sdiv", "smod"].includes(operation)) {
    return immediate !== 0;
  }
  return !["lsh", "rsh", "arsh"].includes(operation) || (immediate >= 0 && immediate < bits);
}

const plain = Object.keys(AluCode).filter((name) => name !== "neg" && name !== "end");
const operations = [...plain, "sdiv", "smod"] as AluOperation[];
const jumps = Object.keys(JumpCode).filter((name) => !["ja", "call", "exit", "cond"].includes(name));

for (const bits of [32, 64] as const) {
  for (const operation of operations) {
    test(`${operation} of ${bits} bits: the machine agrees with the kernel`, { skip: skipWithoutBpf }, () => {
      const alu = bits === 64 ? build.alu64 : build.alu32;
      const fits = (immediate: number) => immediateFits(operation, bits, immediate);
      compare(`${operation}${bits}`, [
        ...registerCases(() => [alu(operation, 0, build.reg(2))]),
        ...immediateCases((immediate) => () => [alu(operation, 0, immediate)], fits),
      ]);
    });
  }
  for (const name of jumps as JumpOperation[]) {
    test(`j${name} of ${bits} bits: the machine agrees with the kernel`, { skip: skipWithoutBpf }, () => {
      const jump = bits === 64 ? build.jump : build.jump32;
      const branch = (operand: build.Operand) => () => [
        build.movReg(1, 0),
        build.movImm(0, 1),
        jump(name, 1, operand, 1),
        build.movImm(0, 0),
      ];
      compare(`j${name}${bits}`, [...registerCases(branch(build.reg(2))), ...immediateCases(branch, () => true)]);
    });
  }
}

test("unary operations: the machine agrees with the kernel", { skip: skipWithoutBpf }, () => {
  const sizes = [16, 32, 64] as const;
  const instructions = [
    build.neg32(0),
    build.neg64(0),
    ...sizes.flatMap((bits) => [build.endian("be", bits, 0), build.endian("le", bits, 0), build.bswap(bits, 0)]),
    ...([8, 16, 32] as const).map((bits) => build.movsx(bits, 0, 0)),
    ...([8, 16] as const).map((bits) => build.movsx32(bits, 0, 0)),
  ];
  const cases = instructions.flatMap((one) => edges.map((a) => ({ a, b: 0n, compute: () => [one] })));
  compare("unary", cases);
});

test("atomics on memory: the machine agrees with the kernel", { skip: skipWithoutBpf }, () => {
  const names = [
    "add",
    "or",
    "and",
    "xor",
    "fetch_add",
    "fetch_or",
    "fetch_and",
    "fetch_xor",
    "xchg",
    "cmpxchg",
  ] as const;
  const at = -8;
  const cases = names.flatMap((name) =>
    ([4, 8] as const).flatMap((size) =>
      [...registerCases(() => [])]
        .filter((_, index) => index % 7 === 0)
        .map(({ a, b }) => ({
          a,
          b,
          // Memory holds a, r0 (what cmpxchg expects) is a too every second time; the result mixes all that may change.
          compute: (index: number) => [
            build.store(8, 10, at, 0),
            ...(index % 2 === 0 ? [build.alu64("add", 0, 1)] : []),
            build.atomic(name, size, 10, at, 2),
            build.load(8, 1, 10, at),
            build.alu64("mul", 2, 3),
            build.alu64("xor", 0, build.reg(2)),
            build.alu64("add", 0, build.reg(1)),
          ],
        })),
    ),
  );
  compare("atomics", cases);
});

test("loads of each size and sign: the machine agrees with the kernel", { skip: skipWithoutBpf }, () => {
  const loads = [
    ...([1, 2, 4, 8] as const).map((size) => build.load(size, 0, 10, -8)),
    ...([1, 2, 4] as const).map((size) => build.loadSigned(size, 0, 10, -8)),
    ...([1, 2, 4] as const).map((size) => build.load(size, 0, 10, -8 + size)),
  ];
  const cases = loads.flatMap((load) =>
    edges.map((a) => ({ a, b: 0n, compute: () => [build.store(8, 10, -8, 0), load] })),
  );
  compare("loads", cases);
});
