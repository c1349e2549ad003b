import assert from "node:assert/strict";
import { test } from "node:test";
import * as build from "../bytecode/build.ts";
import type { Instruction } from "../bytecode/instruction.ts";
import { AluCode, type AluOperation, JumpCode, type JumpOperation } from "../bytecode/opcode.ts";
import { run } from "./run.ts";

/** Operands around every boundary of 8, 16, 32 and 64 bits, shift counts, and a few in between. */
const edges: readonly bigint[] = [
  ...[0n, 1n, 2n, 3n, 7n, 31n, 32n, 33n, 63n, 64n, 65n, 0x7fn, 0x80n, 0xffn, 0x100n, 0x7fffn, 0x8000n, 0xffffn],
  ...[0x10000n, 0x7fff_ffffn, 0x8000_0000n, 0x8000_0001n, 0xffff_fffen, 0xffff_ffffn, 0x1_0000_0000n, 0x1_0000_0001n],
  ...[0x7fff_ffff_ffff_ffffn, 0x8000_0000_0000_0000n, 0x8000_0000_0000_0001n, 0xffff_ffff_0000_0000n],
  ...[0xffff_ffff_8000_0000n, 0xffff_ffff_ffff_fffen, 0xffff_ffff_ffff_ffffn, 0x0123_4567_89ab_cdefn],
];
const immediates = [...new Set(edges.map((value) => Number(BigInt.asIntN(32, value))))];

type Bits = 32 | 64;
type Model = (a: bigint, b: bigint, bits: Bits) => bigint;

const signed = (value: bigint, bits: number) => BigInt.asIntN(bits, value);
const shiftCount = (b: bigint, bits: Bits) => b % BigInt(bits);

/** What RFC 9669 says, over unbounded integers: operands are unsigned, the result is cut to `bits`. */
const arithmetic: Readonly<Record<AluOperation, Model>> = {
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => (b === 0n ? 0n : a / b),
  mod: (a, b) => (b === 0n ? a : a % b),
  sdiv: (a, b, bits) => (b === 0n ? 0n : signed(a, bits) / signed(b, bits)),
  smod: (a, b, bits) => (b === 0n ? a : signed(a, bits) % signed(b, bits)),
  or: (a, b) => a | b,
  and: (a, b) => a & b,
  xor: (a, b) => a ^ b,
  lsh: (a, b, bits) => a << shiftCount(b, bits),
  rsh: (a, b, bits) => a >> shiftCount(b, bits),
  arsh: (a, b, bits) => signed(a, bits) >> shiftCount(b, bits),
  mov: (_, b) => b,
};

const comparison: Readonly<Record<JumpOperation, (a: bigint, b: bigint, bits: Bits) => boolean>> = {
  eq: (a, b) => a === b,
  ne: (a, b) => a !== b,
  gt: (a, b) => a > b,
  ge: (a, b) => a >= b,
  lt: (a, b) => a < b,
  le: (a, b) => a <= b,
  set: (a, b) => (a & b) !== 0n,
  sgt: (a, b, bits) => signed(a, bits) > signed(b, bits),
  sge: (a, b, bits) => signed(a, bits) >= signed(b, bits),
  slt: (a, b, bits) => signed(a, bits) < signed(b, bits),
  sle: (a, b, bits) => signed(a, bits) <= signed(b, bits),
};

/** Every pair of edges, the second one as register and, where it is one, as immediate. */
function* operands(): Generator<{ a: bigint; b: bigint; operand: build.Operand }> {
  for (const a of edges) {
    for (const b of edges) {
      yield { a, b, operand: build.reg(2) };
    }
    for (const immediate of immediates) {
      yield { a, b: BigInt.asUintN(64, BigInt(immediate)), operand: immediate };
    }
  }
}

const hex = (value: bigint) => `0x${value.toString(16)}`;

for (const [name, model] of Object.entries(arithmetic) as [AluOperation, Model][]) {
  for (const bits of [32, 64] as const) {
    test(`${name} of ${bits} bits agrees with integer arithmetic at every boundary`, () => {
      const instruction = bits === 64 ? build.alu64 : build.alu32;
      for (const { a, b, operand } of operands()) {
        const load = [build.loadWide(0, a), build.loadWide(2, b)];
        const { result } = run([...load, instruction(name, 0, operand), build.exit()]);
        const expected = BigInt.asUintN(bits, model(BigInt.asUintN(bits, a), BigInt.asUintN(bits, b), bits));
        assert.equal(hex(result), hex(expected), `${hex(a)} ${name} ${hex(b)} (${JSON.stringify(operand)})`);
      }
    });
  }
}

for (const [name, model] of Object.entries(comparison) as [JumpOperation, (typeof comparison)["eq"]][]) {
  for (const bits of [32, 64] as const) {
    test(`j${name} of ${bits} bits agrees with integer comparison at every boundary`, () => {
      const instruction = bits === 64 ? build.jump : build.jump32;
      for (const { a, b, operand } of operands()) {
        const load = [build.loadWide(1, a), build.loadWide(2, b), build.movImm(0, 1)];
        const { result } = run([...load, instruction(name, 1, operand, 1), build.movImm(0, 0), build.exit()]);
        const expected = model(BigInt.asUintN(bits, a), BigInt.asUintN(bits, b), bits) ? 1n : 0n;
        assert.equal(result, expected, `${hex(a)} ${name} ${hex(b)} (${JSON.stringify(operand)})`);
      }
    });
  }
}

test("every operation and comparison of the instruction set is in the tables above", () => {
  const operations = Object.keys(AluCode).filter((name) => name !== "neg" && name !== "end");
  assert.deepEqual(Object.keys(arithmetic).sort(), [...operations, "sdiv", "smod"].sort());
  const jumps = Object.keys(JumpCode).filter((name) => !["ja", "call", "exit", "cond"].includes(name));
  assert.deepEqual(Object.keys(comparison).sort(), jumps.sort());
});

test("unary operations agree with integer arithmetic at every boundary", () => {
  const reverse = (value: bigint, bits: number) => {
    const bytes = Array.from({ length: bits / 8 }, (_, index) => (value >> BigInt(index * 8)) & 0xffn);
    return bytes.reduce((sum, byte) => (sum << 8n) | byte, 0n);
  };
  for (const value of edges) {
    const cases: [string, Instruction, bigint][] = [
      ["neg64", build.neg64(0), BigInt.asUintN(64, -value)],
      ["neg32", build.neg32(0), BigInt.asUintN(32, -value)],
    ];
    for (const bits of [16, 32, 64] as const) {
      cases.push([`be${bits}`, build.endian("be", bits, 0), reverse(value, bits)]);
      cases.push([`bswap${bits}`, build.bswap(bits, 0), reverse(value, bits)]);
      cases.push([`le${bits}`, build.endian("le", bits, 0), BigInt.asUintN(bits, value)]);
    }
    for (const bits of [8, 16, 32] as const) {
      cases.push([`movsx${bits}`, build.movsx(bits, 0, 0), BigInt.asUintN(64, BigInt.asIntN(bits, value))]);
    }
    for (const bits of [8, 16] as const) {
      cases.push([`movsx32 ${bits}`, build.movsx32(bits, 0, 0), BigInt.asUintN(32, BigInt.asIntN(bits, value))]);
    }
    for (const [name, instruction, expected] of cases) {
      const { result } = run([build.loadWide(0, value), instruction, build.exit()]);
      assert.equal(hex(result), hex(expected), `${name} of ${hex(value)}`);
    }
  }
});
