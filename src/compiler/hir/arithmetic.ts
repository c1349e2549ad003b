import type { BinaryOperator, CompareOperator, UnaryOperator } from "./tree.ts";
import { type IntegerName, limitsOf } from "./types.ts";

/** What numbers in HIR are: exact in 64 signed bits, or wrapping at 64 bits. */
export type IntegerKind = "number" | "u64" | "i64";

const [leastNumber, mostNumber] = limitsOf("i64");

/** Whether an exact result is a `number`: it must fit a signed 64-bit register. */
export function isNumber(value: bigint): boolean {
  return value >= leastNumber && value <= mostNumber;
}

/** The low bits of a value, read as an integer of that name. */
export function wrapTo(name: IntegerName, value: bigint): bigint {
  const bits = Number(name.slice(1));
  return name.startsWith("u") ? BigInt.asUintN(bits, value) : BigInt.asIntN(bits, value);
}

/** The greatest count that a shift may have, plus one. */
export function shiftLimit(kind: IntegerKind): bigint {
  return kind === "number" ? 32n : 64n;
}

/**
 * The result of an operation by the table in `tree.ts`.
 *
 * A number's result is exact: the caller holds it against `isNumber`. u64 and i64 wrap.
 * @returns undefined for a shift whose count is out of range.
 */
export function evaluateBinary(
  operator: BinaryOperator,
  kind: IntegerKind,
  left: bigint,
  right: bigint,
): bigint | undefined {
  if (isShift(operator) && (right < 0n || right >= shiftLimit(kind))) return undefined;
  if (kind === "number") return numberBinary(operator, left, right);
  return wrapTo(kind, exactBinary(operator, kind, left, right));
}

export function isShift(operator: BinaryOperator): boolean {
  return operator === "shiftLeft" || operator === "shiftRight" || operator === "shiftRightUnsigned";
}

/** RFC 9669, section 4.1: division by zero gives 0, the remainder of it the dividend. BigInt truncates towards zero. */
function divide(left: bigint, right: bigint): bigint {
  return right === 0n ? 0n : left / right;
}

function remainder(left: bigint, right: bigint): bigint {
  return right === 0n ? left : left % right;
}

const u32 = (value: bigint): bigint => BigInt.asUintN(32, value);
const u64 = (value: bigint): bigint => BigInt.asUintN(64, value);

function numberBinary(operator: BinaryOperator, left: bigint, right: bigint): bigint {
  switch (operator) {
    case "add":
      return left + right;
    case "subtract":
      return left - right;
    case "multiply":
      return left * right;
    case "divide":
      return divide(left, right);
    case "remainder":
      return remainder(left, right);
    case "and":
      return u32(left) & u32(right);
    case "or":
      return u32(left) | u32(right);
    case "xor":
      return u32(left) ^ u32(right);
    case "shiftLeft":
      return u32(u32(left) << right);
    case "shiftRight":
      return left >> right;
    case "shiftRightUnsigned":
      return u32(left) >> right;
  }
}

/** Before it wraps: as wide as it comes. */
export function exactBinary(operator: BinaryOperator, kind: "u64" | "i64", left: bigint, right: bigint): bigint {
  switch (operator) {
    case "add":
      return left + right;
    case "subtract":
      return left - right;
    case "multiply":
      return left * right;
    case "divide":
      return divide(left, right);
    case "remainder":
      return remainder(left, right);
    case "and":
      return left & right;
    case "or":
      return left | right;
    case "xor":
      return left ^ right;
    case "shiftLeft":
      return left << right;
    case "shiftRight":
      return (kind === "i64" ? left : u64(left)) >> right;
    case "shiftRightUnsigned":
      return u64(left) >> right;
  }
}

/** `negate` and `bitNot`; like `evaluateBinary` for results of numbers. */
export function evaluateUnary(operator: Exclude<UnaryOperator, "not">, kind: IntegerKind, value: bigint): bigint {
  if (operator === "negate") return kind === "number" ? -value : wrapTo(kind, -value);
  return kind === "number" ? u32(~value) : wrapTo(kind, ~value);
}

export function evaluateCompare<T extends bigint | boolean>(operator: CompareOperator, left: T, right: T): boolean {
  switch (operator) {
    case "equal":
      return left === right;
    case "notEqual":
      return left !== right;
    case "less":
      return left < right;
    case "lessEqual":
      return left <= right;
    case "greater":
      return left > right;
    case "greaterEqual":
      return left >= right;
  }
}
