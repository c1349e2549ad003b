import assert from "node:assert/strict";
import { test } from "node:test";
import * as b from "./build.ts";
import { interpret } from "./interpret.ts";
import { Random } from "./testing/random.ts";
import type { Expression } from "./tree.ts";

/**
 * Random expressions, and beside each a value that is computed another way: with typed arrays, whose elements wrap in
 * hardware, in place of BigInt arithmetic with asUintN.
 */
interface Pair {
  readonly expression: Expression;
  readonly value: bigint;
}

const cells = { u64: new BigUint64Array(1), i64: new BigInt64Array(1), u32: new Uint32Array(1) } as const;

function wrap(kind: "u64" | "i64", value: bigint): bigint {
  cells[kind][0] = value;
  return cells[kind][0];
}

function low32(value: bigint): number {
  cells.u64[0] = value;
  return new Uint32Array(cells.u64.buffer)[0]!;
}

function wide(kind: "u64" | "i64", random: Random, depth: number): Pair {
  if (depth === 0) {
    const value = wrap(kind, random.interesting());
    return { expression: b.wide(value, kind), value };
  }
  const left = wide(kind, random, depth - 1);
  const right = wide(kind, random, depth - 1);
  const count = BigInt(random.below(64));
  const operations = {
    add: () => left.value + right.value,
    subtract: () => left.value - right.value,
    multiply: () => left.value * right.value,
    divide: () => (right.value === 0n ? 0n : left.value / right.value),
    remainder: () => (right.value === 0n ? left.value : left.value - right.value * (left.value / right.value)),
    and: () => left.value & right.value,
    or: () => left.value | right.value,
    xor: () => left.value ^ right.value,
    shiftLeft: () => left.value * 2n ** count,
    shiftRight: () => (left.value - (((left.value % 2n ** count) + 2n ** count) % 2n ** count)) / 2n ** count,
    shiftRightUnsigned: () => wrap("u64", left.value) / 2n ** count,
  } as const;
  const operator = random.pick(Object.keys(operations) as (keyof typeof operations)[]);
  const operand = operator.startsWith("shift") ? b.wide(count, kind) : right.expression;
  return { expression: b.binary(operator, left.expression, operand), value: wrap(kind, operations[operator]()) };
}

function number(random: Random, depth: number): Pair {
  if (depth === 0) {
    const value = BigInt.asIntN(40, random.interesting());
    return { expression: b.number(value), value };
  }
  const left = number(random, depth - 1);
  const right = number(random, depth - 1);
  const [a, c] = [low32(left.value), low32(right.value)];
  const count = random.below(32);
  const operations = {
    add: () => left.value + right.value,
    subtract: () => left.value - right.value,
    and: () => BigInt((a & c) >>> 0),
    or: () => BigInt((a | c) >>> 0),
    xor: () => BigInt((a ^ c) >>> 0),
    shiftLeft: () => BigInt((a << count) >>> 0),
    shiftRight: () =>
      (left.value - (((left.value % 2n ** BigInt(count)) + 2n ** BigInt(count)) % 2n ** BigInt(count))) /
      2n ** BigInt(count),
    shiftRightUnsigned: () => BigInt(a >>> count),
    divide: () => (right.value === 0n ? 0n : left.value / right.value),
    remainder: () => (right.value === 0n ? left.value : left.value - right.value * (left.value / right.value)),
  } as const;
  const operator = random.pick(Object.keys(operations) as (keyof typeof operations)[]);
  const operand = operator.startsWith("shift") ? b.number(count) : right.expression;
  return { expression: b.binary(operator, left.expression, operand), value: operations[operator]() };
}

function evaluated(expression: Expression): unknown {
  let seen: unknown;
  const module = b.module([b.program(() => [b.evaluate(expression), b.giveBack(b.pass())])]);
  interpret(module.programs[0]!, module, {
    hook: "xdp",
    packet: new Uint8Array(14),
    observe(node, value) {
      if (node === expression) seen = value;
    },
  });
  return seen;
}

const seed = Number(process.env["IOV_SEED"] ?? 31);

for (const [kind, make] of [
  ["number", number],
  ["u64", (random: Random, depth: number) => wide("u64", random, depth)],
  ["i64", (random: Random, depth: number) => wide("i64", random, depth)],
] as const) {
  test(`3,000 random ${kind} expressions have the value that another computation gives (seed ${seed})`, () => {
    for (let each = 0; each < 3000; each++) {
      const { expression, value } = make(new Random(seed + each), 1 + (each % 4));
      assert.equal(evaluated(expression), value, `seed ${seed + each}`);
    }
  });
}
