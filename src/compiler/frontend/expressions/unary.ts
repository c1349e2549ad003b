import ts from "typescript";
import { unary } from "../arithmetic.ts";
import type { Frame } from "../frame.ts";
import { poison, type Value } from "../values.ts";
import { booleanValue } from "./binary.ts";
import { evaluate } from "./evaluate.ts";

const K = ts.SyntaxKind;

/** -x, ~x, !x and +constant; ++ and -- are statements. */
export function prefix(frame: Frame, node: ts.PrefixUnaryExpression): Value {
  switch (node.operator) {
    case K.ExclamationToken:
      return booleanValue(frame, node);
    case K.MinusToken:
      return unary(frame, "negate", evaluate(frame, node.operand), node);
    case K.TildeToken:
      return unary(frame, "bitNot", evaluate(frame, node.operand), node);
    default:
      return poison;
  }
}
