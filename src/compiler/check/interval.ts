import { evaluateBinary, type IntegerKind, isShift, shiftLimit, wrapTo } from "../hir/arithmetic.ts";
import type { BinaryOperator, CompareOperator } from "../hir/tree.ts";
import { type IntegerName, limitsOf } from "../hir/types.ts";

/** All integers from `low` to `high`; never empty. */
export interface Interval {
  readonly low: bigint;
  readonly high: bigint;
}

export function interval(low: bigint, high: bigint): Interval {
  return { low, high };
}

export function point(value: bigint): Interval {
  return { low: value, high: value };
}

export function limits(name: IntegerName): Interval {
  const [low, high] = limitsOf(name);
  return { low, high };
}

export const bit: Interval = { low: 0n, high: 1n };
const u32 = limits("u32");
const u64 = limits("u64");
const i64 = limits("i64");

/** All values of a kind of integer. */
export function fullInterval(kind: IntegerKind): Interval {
  return kind === "u64" ? u64 : i64;
}

const least = (left: bigint, right: bigint): bigint => (left < right ? left : right);
const greatest = (left: bigint, right: bigint): bigint => (left > right ? left : right);

export function join(left: Interval, right: Interval): Interval {
  if (contains(left, right)) return left;
  return contains(right, left) ? right : interval(least(left.low, right.low), greatest(left.high, right.high));
}

/** What is in both; undefined when nothing is. */
export function meet(left: Interval, right: Interval): Interval | undefined {
  const low = greatest(left.low, right.low);
  const high = least(left.high, right.high);
  return low <= high ? interval(low, high) : undefined;
}

export function contains(outer: Interval, inner: Interval): boolean {
  return outer.low <= inner.low && inner.high <= outer.high;
}

export function sameInterval(left: Interval, right: Interval): boolean {
  return left.low === right.low && left.high === right.high;
}

/** The result of an explicit conversion: exact where nothing is cut off, also when all values wrap alike. */
export function wrapInterval(name: IntegerName, value: Interval): Interval {
  const target = limits(name);
  if (contains(target, value)) return value;
  const period = target.high - target.low + 1n;
  if (value.high - value.low >= period) return target;
  const low = wrapTo(name, value.low);
  const high = wrapTo(name, value.high);
  return low <= high ? interval(low, high) : target;
}

/** What an operation may give. For numbers: the exact result, which may be beyond 64 bits. */
export function binaryInterval(operator: BinaryOperator, kind: IntegerKind, left: Interval, right: Interval): Interval {
  if (left.low === left.high && right.low === right.high) {
    const result = evaluateBinary(operator, kind, left.low, right.low);
    if (result !== undefined) return point(result);
  }
  if (kind === "number") return numberInterval(operator, left, right);
  const exact = wideInterval(operator, kind, left, right);
  return exact && contains(fullInterval(kind), exact) ? exact : fullInterval(kind);
}

function numberInterval(operator: BinaryOperator, left: Interval, right: Interval): Interval {
  switch (operator) {
    case "and":
    case "or":
    case "xor":
      return bitwise(operator, lowBits(left), lowBits(right));
    case "shiftLeft": {
      const shifted = shift("shiftLeft", lowBits(left), countOf(right, 32n));
      return contains(u32, shifted) ? shifted : u32;
    }
    case "shiftRightUnsigned":
      return shift("shiftRight", lowBits(left), countOf(right, 32n));
    case "shiftRight":
      return shift("shiftRight", left, countOf(right, 32n));
    default:
      return arithmetic(operator, left, right);
  }
}

/** The exact result of an operation on u64 or i64; undefined where nothing is known about it. */
function wideInterval(
  operator: BinaryOperator,
  kind: "u64" | "i64",
  left: Interval,
  right: Interval,
): Interval | undefined {
  switch (operator) {
    case "and":
    case "or":
    case "xor":
      return left.low < 0n || right.low < 0n ? signedBitwise(operator, left, right) : bitwise(operator, left, right);
    case "shiftLeft":
      return shift("shiftLeft", left, countOf(right, 64n));
    case "shiftRightUnsigned":
      return kind === "i64" && left.low < 0n ? undefined : shift("shiftRight", left, countOf(right, 64n));
    case "shiftRight":
      return shift("shiftRight", left, countOf(right, 64n));
    default:
      return arithmetic(operator, left, right);
  }
}

type Arithmetic = Exclude<BinaryOperator, "and" | "or" | "xor" | "shiftLeft" | "shiftRight" | "shiftRightUnsigned">;

function arithmetic(operator: Arithmetic, left: Interval, right: Interval): Interval {
  switch (operator) {
    case "add":
      return interval(left.low + right.low, left.high + right.high);
    case "subtract":
      return interval(left.low - right.high, left.high - right.low);
    case "multiply":
      return hull([left.low, left.high].flatMap((a) => [right.low, right.high].map((b) => a * b)));
    case "divide":
      return quotient(left, right);
    case "remainder":
      return modulo(left, right);
  }
}

function hull(values: readonly bigint[]): Interval {
  return interval(values.reduce(least), values.reduce(greatest));
}

/** x / 0 is 0. The extremes are at the ends of the dividend and at the divisors of least and greatest magnitude. */
function quotient(left: Interval, right: Interval): Interval {
  const divisors = [right.low, right.high, 1n, -1n].filter((d) => d !== 0n && d >= right.low && d <= right.high);
  const values = divisors.flatMap((divisor) => [left.low / divisor, left.high / divisor]);
  if (contains(right, point(0n)) || contains(left, point(0n))) values.push(0n);
  return hull(values.length > 0 ? values : [0n]);
}

/** The sign is the dividend's; x % 0 is x. */
function modulo(left: Interval, right: Interval): Interval {
  if (contains(right, point(0n))) return join(left, point(0n));
  const magnitude = greatest(right.low < 0n ? -right.low : right.low, right.high < 0n ? -right.high : right.high) - 1n;
  const smallest = right.low > 0n ? right.low : -right.high;
  if (left.low >= 0n && left.high < smallest) return left;
  return interval(
    left.low < 0n ? greatest(left.low, -magnitude) : 0n,
    left.high > 0n ? least(left.high, magnitude) : 0n,
  );
}

/** The low 32 bits of a number. */
function lowBits(value: Interval): Interval {
  return wrapInterval("u32", value);
}

function bitLength(value: bigint): bigint {
  return value === 0n ? 0n : BigInt(value.toString(2).length);
}

/** Of operands that are not negative. */
function bitwise(operator: "and" | "or" | "xor", left: Interval, right: Interval): Interval {
  if (operator === "and") return interval(0n, least(left.high, right.high));
  const all = (1n << bitLength(greatest(left.high, right.high))) - 1n;
  return interval(operator === "or" ? greatest(left.low, right.low) : 0n, all);
}

/** Of operands that may be negative: only `and` with something that is not negative says anything. */
function signedBitwise(operator: "and" | "or" | "xor", left: Interval, right: Interval): Interval | undefined {
  if (operator !== "and") return undefined;
  if (right.low >= 0n) return interval(0n, right.high);
  return left.low >= 0n ? interval(0n, left.high) : undefined;
}

/** The counts that a shift may have; those out of range are reported elsewhere. */
function countOf(value: Interval, limit: bigint): Interval {
  return meet(value, interval(0n, limit - 1n)) ?? interval(0n, limit - 1n);
}

function shift(direction: "shiftLeft" | "shiftRight", value: Interval, count: Interval): Interval {
  const by = (one: bigint, bits: bigint): bigint => (direction === "shiftLeft" ? one << bits : one >> bits);
  return hull([value.low, value.high].flatMap((one) => [by(one, count.low), by(one, count.high)]));
}

/** Whether a shift's count is proven to be in range. */
export function countFits(operator: BinaryOperator, kind: IntegerKind, count: Interval): boolean {
  return !isShift(operator) || (count.low >= 0n && count.high < shiftLimit(kind));
}

/** What is left of `left` where `left operator right` holds; undefined where it cannot hold. */
export function assumeCompare(operator: CompareOperator, left: Interval, right: Interval): Interval | undefined {
  switch (operator) {
    case "equal":
      return meet(left, right);
    case "notEqual":
      return without(left, right);
    case "less":
      return atMost(left, right.high - 1n);
    case "lessEqual":
      return atMost(left, right.high);
    case "greater":
      return atLeast(left, right.low + 1n);
    case "greaterEqual":
      return atLeast(left, right.low);
  }
}

function atMost(value: Interval, high: bigint): Interval | undefined {
  return value.low > high ? undefined : interval(value.low, least(value.high, high));
}

function atLeast(value: Interval, low: bigint): Interval | undefined {
  return value.high < low ? undefined : interval(greatest(value.low, low), value.high);
}

/** Cuts a single value off an end. */
function without(value: Interval, other: Interval): Interval | undefined {
  if (other.low !== other.high) return value;
  if (value.low === value.high) return value.low === other.low ? undefined : value;
  if (value.low === other.low) return interval(value.low + 1n, value.high);
  return value.high === other.low ? interval(value.low, value.high - 1n) : value;
}

const negations: Readonly<Record<CompareOperator, CompareOperator>> = {
  equal: "notEqual",
  notEqual: "equal",
  less: "greaterEqual",
  lessEqual: "greater",
  greater: "lessEqual",
  greaterEqual: "less",
};

const mirrors: Readonly<Record<CompareOperator, CompareOperator>> = {
  equal: "equal",
  notEqual: "notEqual",
  less: "greater",
  lessEqual: "greaterEqual",
  greater: "less",
  greaterEqual: "lessEqual",
};

/** The comparison that holds exactly where this one does not. */
export function negated(operator: CompareOperator): CompareOperator {
  return negations[operator];
}

/** The comparison with its sides exchanged. */
export function mirrored(operator: CompareOperator): CompareOperator {
  return mirrors[operator];
}
