import ts from "typescript";
import { messages } from "../../diagnostics.ts";
import type { Frame } from "../frame.ts";
import { boolConstant, numberConstant, stringValue, type Value } from "../values.ts";

export function numericLiteral(frame: Frame, node: ts.NumericLiteral): Value {
  const source = node.getText();
  const value = Number(node.text);
  if (!Number.isInteger(value)) return frame.fail(node, messages.fraction(source));
  if (!Number.isSafeInteger(value)) return frame.fail(node, messages.largeNumber(source));
  return numberConstant(value);
}

export function bigintLiteral(_: Frame, node: ts.BigIntLiteral): Value {
  return { kind: "constant", type: "bigint", value: BigInt(node.text.slice(0, -1)) };
}

export function booleanLiteral(_: Frame, node: ts.BooleanLiteral): Value {
  return boolConstant(node.kind === ts.SyntaxKind.TrueKeyword);
}

export function text(_: Frame, node: ts.StringLiteralLike): Value {
  return stringValue(node.text);
}
