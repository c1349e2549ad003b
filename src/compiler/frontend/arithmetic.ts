import ts from "typescript";
import { messages } from "../diagnostics.ts";
import {
  evaluateBinary,
  evaluateCompare,
  evaluateUnary,
  exactBinary,
  type IntegerKind,
  isNumber,
  isShift,
} from "../hir/arithmetic.ts";
import type { BinaryOperator, CompareOperator, Expression } from "../hir/tree.ts";
import { boolType, i64Type, numberType, type ScalarType, u64Type } from "../hir/types.ts";
import * as build from "./build.ts";
import { constantFits, expressionOf } from "./coerce.ts";
import type { Frame } from "./frame.ts";
import { boolConstant, type ConstantValue, describe, poison, runtime, type Value } from "./values.ts";

const K = ts.SyntaxKind;

export const binaryOperators: ReadonlyMap<ts.SyntaxKind, BinaryOperator> = new Map([
  [K.PlusToken, "add"],
  [K.MinusToken, "subtract"],
  [K.AsteriskToken, "multiply"],
  [K.SlashToken, "divide"],
  [K.PercentToken, "remainder"],
  [K.AmpersandToken, "and"],
  [K.BarToken, "or"],
  [K.CaretToken, "xor"],
  [K.LessThanLessThanToken, "shiftLeft"],
  [K.GreaterThanGreaterThanToken, "shiftRight"],
  [K.GreaterThanGreaterThanGreaterThanToken, "shiftRightUnsigned"],
]);

export const compareOperators: ReadonlyMap<ts.SyntaxKind, CompareOperator> = new Map([
  [K.EqualsEqualsEqualsToken, "equal"],
  [K.ExclamationEqualsEqualsToken, "notEqual"],
  [K.LessThanToken, "less"],
  [K.LessThanEqualsToken, "lessEqual"],
  [K.GreaterThanToken, "greater"],
  [K.GreaterThanEqualsToken, "greaterEqual"],
]);

/** The integer type of a value; "bigint" for a constant that fits both wide ones. */
function integerKind(value: Value): IntegerKind | "bigint" | undefined {
  if (value.kind === "constant") return value.type === "bool" ? undefined : value.type;
  if (value.kind !== "runtime") return undefined;
  const { kind } = value.expression.type;
  return kind === "number" || kind === "u64" || kind === "i64" ? kind : undefined;
}

/** The one type of two operands; reports when there is none. */
function commonKind(frame: Frame, left: Value, right: Value, node: ts.Node): IntegerKind | "bigint" | undefined {
  if (left.kind === "poison" || right.kind === "poison") return undefined;
  const a = integerKind(left);
  const b = integerKind(right);
  if (!a || !b) {
    frame.fail(node, messages.unexpectedValue("an integer", describe(a ? right : left)));
    return undefined;
  }
  if (a === b || b === "bigint") return a === "number" && b === "bigint" ? mixed(frame, a, b, node) : a;
  if (a === "bigint" && b !== "number") return b;
  return mixed(frame, a, b, node);
}

function mixed(frame: Frame, left: string, right: string, node: ts.Node): undefined {
  frame.fail(node, messages.mixedIntegers(left, right));
  return undefined;
}

/** Two integers and an operator. `truncated`: the fraction of a division is dropped, as the source says. */
export function arithmetic(
  frame: Frame,
  operator: BinaryOperator,
  left: Value,
  right: Value,
  node: ts.Node,
  truncated = false,
): Value {
  const kind = commonKind(frame, left, right, node);
  if (!kind) return poison;
  if (isShift(operator) && !shiftFits(frame, right, kind, node)) return poison;
  if (left.kind === "constant" && right.kind === "constant")
    return fold(frame, operator, kind, left.value as bigint, right.value as bigint, node, truncated);
  if (operator === "divide" && kind === "number" && !truncated) return frame.fail(node, messages.division());
  const type = kind === "number" ? numberType : kind === "i64" ? i64Type : u64Type;
  if (operator === "shiftRightUnsigned" && kind !== "number")
    return frame.fail(node, messages.unsupported(">>> of bigints", "Write >>; on a u64 it shifts zeros in."));
  const l = integerExpression(frame, left, type, node);
  const r = integerExpression(frame, right, type, node);
  if (!l || !r) return poison;
  return runtime({ kind: "binary", operator, left: l, right: r, type, at: frame.at(node) });
}

function shiftFits(frame: Frame, count: Value, kind: IntegerKind | "bigint", node: ts.Node): boolean {
  if (count.kind !== "constant") return true;
  const limit = kind === "number" ? 31 : 63;
  const value = count.value as bigint;
  if (value >= 0n && value <= BigInt(limit)) return true;
  frame.fail(node, messages.shiftCount(String(value), limit));
  return false;
}

export function integerExpression(frame: Frame, value: Value, type: ScalarType, node: ts.Node): Expression | undefined {
  if (value.kind !== "constant") return expressionOf(frame, value, node);
  if ((type.kind === "u64" || type.kind === "i64") && !constantFits(frame, value, type.kind, node)) return undefined;
  return build.constant(type, value.value, frame.at(node));
}

/** What the kernel would calculate: see the table of number semantics in docs/language.md. */
function fold(
  frame: Frame,
  operator: BinaryOperator,
  kind: IntegerKind | "bigint",
  left: bigint,
  right: bigint,
  node: ts.Node,
  truncated: boolean,
): Value {
  if (kind === "bigint") return { kind: "constant", type: kind, value: exactBinary(operator, "i64", left, right) };
  if (kind === "number" && operator === "divide" && !truncated && (right === 0n || left % right !== 0n))
    return frame.fail(node, messages.division());
  // Shifts are by counts that fit.
  const value = evaluateBinary(operator, kind, left, right)!;
  if (kind === "number" && !isNumber(value)) return frame.fail(node, messages.constantRange(`${value}`, "i64"));
  return { kind: "constant", type: kind, value };
}

/** Order or equality of two integers; the callers have dealt with everything else. */
export function compareIntegers(
  frame: Frame,
  operator: CompareOperator,
  left: Value,
  right: Value,
  node: ts.Node,
): Value {
  const kind = commonKind(frame, left, right, node);
  if (!kind) return poison;
  if (left.kind === "constant" && right.kind === "constant")
    return boolConstant(evaluateCompare(operator, left.value, right.value));
  const type = kind === "number" ? numberType : kind === "i64" ? i64Type : u64Type;
  const l = integerExpression(frame, left, type, node);
  const r = integerExpression(frame, right, type, node);
  if (!l || !r) return poison;
  return runtime({ kind: "compare", operator, left: l, right: r, type: boolType, at: frame.at(node) });
}

/** The bitwise complement or the negative of an integer. */
export function unary(frame: Frame, operator: "negate" | "bitNot", value: Value, node: ts.Node): Value {
  if (value.kind === "poison") return value;
  const kind = integerKind(value);
  if (!kind) return frame.fail(node, messages.unexpectedValue("an integer", describe(value)));
  if (value.kind === "constant") return { ...value, value: foldUnary(operator, value) };
  const expression = expressionOf(frame, value, node);
  if (!expression) return poison;
  const type = expression.type as ScalarType;
  return runtime({ kind: "unary", operator, value: expression, type, at: frame.at(node) });
}

function foldUnary(operator: "negate" | "bitNot", { type, value }: ConstantValue): bigint {
  const integer = value as bigint;
  if (type === "number" || type === "u64" || type === "i64") return evaluateUnary(operator, type, integer);
  return operator === "negate" ? -integer : ~integer;
}
