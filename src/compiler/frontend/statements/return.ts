import type ts from "typescript";
import { evaluate } from "../expressions/evaluate.ts";
import type { Frame } from "../frame.ts";
import { voidValue } from "../values.ts";

export function returnStatement(frame: Frame, node: ts.ReturnStatement): boolean {
  const value = node.expression ? evaluate(frame, node.expression) : voidValue;
  frame.state.returns?.leave(frame, value, node);
  return true;
}
