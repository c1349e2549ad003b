import ts from "typescript";
import { messages } from "../../diagnostics.ts";
import { isAssignment } from "../assignments.ts";
import { evaluate } from "../expressions/evaluate.ts";
import type { Frame } from "../frame.ts";
import { assign, compoundAssign, step } from "./assign.ts";

const K = ts.SyntaxKind;

/** An assignment, ++ or --, or a call for its effect. */
export function expressionStatement(frame: Frame, node: ts.ExpressionStatement): boolean {
  effect(frame, node.expression);
  return false;
}

function effect(frame: Frame, outer: ts.Expression): void {
  let node = outer;
  while (ts.isParenthesizedExpression(node)) node = node.expression;
  if (ts.isBinaryExpression(node) && isAssignment(node.operatorToken.kind)) {
    if (node.operatorToken.kind === K.EqualsToken) assign(frame, node);
    else compoundAssign(frame, node);
    return;
  }
  if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
    if (node.operator === K.PlusPlusToken || node.operator === K.MinusMinusToken) {
      step(frame, node);
      return;
    }
  }
  const value = evaluate(frame, node);
  const expression =
    value.kind === "runtime" ? value.expression : value.kind === "guarded" ? value.value.expression : undefined;
  if (expression?.kind === "operation")
    frame.emitter.emit({ kind: "expression", value: expression, at: frame.at(node) });
  else if (!ts.isCallExpression(node) && value.kind !== "poison")
    frame.fail(node, messages.unsupported("expression without effect as a statement", "Remove it, or use its value."));
}
