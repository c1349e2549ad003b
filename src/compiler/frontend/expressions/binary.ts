import ts from "typescript";
import { messages } from "../../diagnostics.ts";
import { arithmetic, binaryOperators, compareIntegers, compareOperators } from "../arithmetic.ts";
import { condition } from "../conditions.ts";
import { equality } from "../equality.ts";
import type { Frame } from "../frame.ts";
import { inOrder } from "../settle.ts";
import { boolConstant, poison, runtime, type Value } from "../values.ts";
import { coalesce, logicalValue } from "./conditional.ts";
import { evaluate } from "./evaluate.ts";

const K = ts.SyntaxKind;

export function binary(frame: Frame, node: ts.BinaryExpression): Value {
  const operator = node.operatorToken.kind;
  switch (operator) {
    case K.AmpersandAmpersandToken:
    case K.BarBarToken:
      return logicalValue(frame, node);
    case K.QuestionQuestionToken:
      return coalesce(frame, node);
    case K.AsteriskAsteriskToken:
      return power(frame, node);
  }
  return binaryParts(frame, node, false);
}

/** An operator on two values. `truncated`: the fraction of a division is dropped. */
export function binaryParts(frame: Frame, node: ts.BinaryExpression, truncated: boolean): Value {
  const [left, right] = inOrder(frame, [() => evaluate(frame, node.left), () => evaluate(frame, node.right)], node);
  if (!left || !right || left.kind === "poison" || right.kind === "poison") return poison;
  const token = node.operatorToken.kind;
  const compare = compareOperators.get(token);
  if (compare === "equal" || compare === "notEqual") return equality(frame, compare === "equal", left, right, node);
  if (compare) return compareIntegers(frame, compare, left, right, node);
  const operator = binaryOperators.get(token);
  // Assignments are statements, and the rest is refused by syntax.ts.
  if (!operator) return poison;
  return arithmetic(frame, operator, left, right, node, truncated);
}

/** Constants only: the kernel has no such instruction. */
function power(frame: Frame, node: ts.BinaryExpression): Value {
  const base = evaluate(frame, node.left);
  const exponent = evaluate(frame, node.right);
  if (base.kind === "poison" || exponent.kind === "poison") return poison;
  if (base.kind !== "constant" || exponent.kind !== "constant" || base.type === "bool" || exponent.type === "bool")
    return frame.fail(node, messages.notConstant("each side of **"));
  const count = exponent.value as bigint;
  if (count < 0n || count > 64n) return frame.fail(node, messages.constantRange(String(count), "0 to 64"));
  const value = (base.value as bigint) ** count;
  const fits = BigInt.asIntN(64, value) === value || BigInt.asUintN(64, value) === value;
  return fits ? { ...base, value } : frame.fail(node, messages.constantRange(String(value), "64 bits"));
}

/** A test as a value. */
export function booleanValue(frame: Frame, node: ts.Expression): Value {
  const test = condition(frame, node);
  if (!test) return poison;
  return test.kind === "constant" ? boolConstant(test.value === true) : runtime(test);
}
