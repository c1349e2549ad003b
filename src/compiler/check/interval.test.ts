import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluateBinary, evaluateCompare, wrapTo } from "../hir/arithmetic.ts";
import { Random } from "../hir/testing/random.ts";
import type { BinaryOperator, CompareOperator } from "../hir/tree.ts";
import {
  assumeCompare,
  binaryInterval,
  contains,
  type Interval,
  interval,
  limits,
  mirrored,
  negated,
  point,
  wrapInterval,
} from "./interval.ts";

const operators: readonly BinaryOperator[] = [
  ...(["add", "subtract", "multiply", "divide", "remainder", "and", "or", "xor"] as const),
  ...(["shiftLeft", "shiftRight", "shiftRightUnsigned"] as const),
];
const comparisons: readonly CompareOperator[] = ["equal", "notEqual", "less", "lessEqual", "greater", "greaterEqual"];
const seed = Number(process.env["IOV_SEED"] ?? 5);

function randomInterval(random: Random, within: Interval): Interval {
  const pick = (): bigint => {
    const value = random.interesting();
    if (value < within.low) return within.low;
    return value > within.high ? within.high : value;
  };
  const [a, b] = [pick(), random.chance(0.3) ? undefined : pick()];
  if (b === undefined) return point(a);
  return a < b ? interval(a, b) : interval(b, a);
}

function inside(random: Random, { low, high }: Interval): bigint {
  if (random.chance(0.3)) return random.chance(0.5) ? low : high;
  const offset = (BigInt(random.below(2 ** 32)) << 32n) | BigInt(random.below(2 ** 32));
  return low + (offset % (high - low + 1n));
}

for (const kind of ["number", "u64", "i64"] as const) {
  const all = limits(kind === "u64" ? "u64" : "i64");
  for (const operator of operators) {
    test(`the interval of ${kind} ${operator} holds every result (seed ${seed})`, () => {
      const random = new Random(seed);
      for (let each = 0; each < 2000; each++) {
        const left = randomInterval(random, all);
        const shift = operator.startsWith("shift");
        const right = randomInterval(random, shift ? interval(0n, kind === "number" ? 31n : 63n) : all);
        const [a, b] = [inside(random, left), inside(random, right)];
        const result = evaluateBinary(operator, kind, a, b)!;
        const range = binaryInterval(operator, kind, left, right);
        assert.ok(
          contains(range, point(result)),
          `${a} ${operator} ${b} = ${result}, not in ${range.low}..${range.high}`,
        );
      }
    });
  }
}

test("small intervals are exact where that is what users count on", () => {
  const number = (operator: BinaryOperator, a: [bigint, bigint], b: [bigint, bigint]) =>
    binaryInterval(operator, "number", interval(...a), interval(...b));
  assert.deepEqual(number("remainder", [0n, 1000n], [16n, 16n]), interval(0n, 15n));
  assert.deepEqual(number("remainder", [-5n, 1000n], [16n, 16n]), interval(-5n, 15n));
  assert.deepEqual(number("and", [0n, 1000n], [15n, 15n]), interval(0n, 15n));
  assert.deepEqual(number("shiftLeft", [0n, 15n], [2n, 2n]), interval(0n, 60n));
  assert.deepEqual(number("divide", [0n, 100n], [7n, 9n]), interval(0n, 14n));
  assert.deepEqual(number("or", [1n, 5n], [0n, 8n]), interval(1n, 15n));
});

test("what a comparison assumes keeps every value for which it holds", () => {
  const random = new Random(seed);
  for (let each = 0; each < 5000; each++) {
    const bounds = interval(-4n, 12n);
    const left = randomInterval(random, bounds);
    const right = randomInterval(random, bounds);
    const [a, b] = [inside(random, left), inside(random, right)];
    for (const operator of comparisons) {
      const holds = evaluateCompare(operator, a, b);
      assert.equal(evaluateCompare(negated(operator), a, b), !holds);
      assert.equal(evaluateCompare(mirrored(operator), b, a), holds);
      const assumed = assumeCompare(operator, left, right);
      if (holds) assert.ok(assumed && contains(assumed, point(a)), `${a} ${operator} ${b}`);
      if (assumed) assert.ok(contains(left, assumed));
    }
  }
});

test("a conversion's interval holds every converted value", () => {
  const random = new Random(seed);
  for (const name of ["u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"] as const) {
    for (let each = 0; each < 1000; each++) {
      const range = randomInterval(random, limits(random.chance(0.5) ? "u64" : "i64"));
      const value = inside(random, range);
      assert.ok(contains(wrapInterval(name, range), point(wrapTo(name, value))), `${name}(${value})`);
    }
  }
});
