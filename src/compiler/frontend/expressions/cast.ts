import ts from "typescript";
import type { Frame } from "../frame.ts";
import type { Value } from "../values.ts";
import { evaluate } from "./evaluate.ts";

/** `as const`; `syntax.ts` refuses the rest. */
export function cast(frame: Frame, node: ts.AsExpression): Value {
  return evaluate(frame, node.expression);
}

export function satisfies(frame: Frame, node: ts.SatisfiesExpression): Value {
  return evaluate(frame, node.expression);
}

export function isConstAssertion(node: ts.AsExpression): boolean {
  return ts.isConstTypeReference(node.type);
}
