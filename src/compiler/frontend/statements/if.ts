import type ts from "typescript";
import { condition } from "../conditions.ts";
import type { Frame } from "../frame.ts";
import { evaluateBlock } from "./evaluate.ts";

/** A test that the compiler can decide leaves one side only. */
export function ifStatement(frame: Frame, node: ts.IfStatement): boolean {
  const test = condition(frame, node.expression);
  // With a test that is in error, both sides are still looked at.
  if (test?.kind === "constant") {
    const side = test.value ? node.thenStatement : node.elseStatement;
    return side ? evaluateBlock(frame, side) : false;
  }
  const { emitter } = frame;
  const then = emitter.capture(() => evaluateBlock(frame, node.thenStatement));
  const otherwise = emitter.capture(() => (node.elseStatement ? evaluateBlock(frame, node.elseStatement) : false));
  if (test)
    emitter.emit({ kind: "if", test, then: then.statements, otherwise: otherwise.statements, at: frame.at(node) });
  return then.result && otherwise.result;
}
