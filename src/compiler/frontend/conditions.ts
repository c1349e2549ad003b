import ts from "typescript";
import { messages } from "../diagnostics.ts";
import type { Expression } from "../hir/tree.ts";
import { boolType } from "../hir/types.ts";
import * as build from "./build.ts";
import { presence } from "./equality.ts";
import { evaluate } from "./expressions/evaluate.ts";
import type { Frame } from "./frame.ts";
import { describe, type RuntimeValue, type Value } from "./values.ts";

const K = ts.SyntaxKind;

/**
 * A test, as if, &&, ! and ?: make it. Constant where the compiler knows; `a && b` and `!a` stay branches, so that what
 * they prove is seen.
 */
export function condition(frame: Frame, node: ts.Expression): Expression | undefined {
  const at = frame.at(node);
  if (ts.isParenthesizedExpression(node)) return condition(frame, node.expression);
  if (ts.isPrefixUnaryExpression(node) && node.operator === K.ExclamationToken) {
    const test = condition(frame, node.operand);
    return test && build.not(test, at);
  }
  if (ts.isBinaryExpression(node)) {
    const operator = node.operatorToken.kind;
    if (operator === K.AmpersandAmpersandToken) return both(frame, "and", node);
    if (operator === K.BarBarToken) return both(frame, "or", node);
  }
  return truth(frame, evaluate(frame, node), node);
}

function both(frame: Frame, operator: "and" | "or", node: ts.BinaryExpression): Expression | undefined {
  const left = condition(frame, node.left);
  if (!left) return undefined;
  const decided = left.kind === "constant" && left.value === (operator === "or");
  if (decided) return left;
  const right = apart(frame, () => condition(frame, node.right), node.right);
  return right && build.logical(operator, left, right, frame.at(node));
}

/** An expression that is evaluated only sometimes: its statements stay with it. */
export function apart(frame: Frame, body: () => Expression | undefined, node: ts.Node): Expression | undefined {
  if (!frame.inProgram) return body();
  const { statements, result } = frame.emitter.capture(body);
  if (!result || statements.length === 0) return result;
  return { kind: "sequence", body: statements, value: result, type: result.type, at: frame.at(node) };
}

/** Whether a value counts as true, as in TypeScript: not undefined, not false, not zero. */
export function truth(frame: Frame, value: Value, node: ts.Node): Expression | undefined {
  const at = frame.at(node);
  switch (value.kind) {
    case "poison":
      return undefined;
    case "constant":
      return build.bool(value.value !== 0n && value.value !== false, at);
    case "string":
      return build.bool(value.text !== "", at);
    case "runtime":
      return runtimeTruth(frame, value, node);
    case "guarded": {
      const inner = runtimeTruth(frame, value.value, node);
      return inner && build.logical("and", value.present, inner, at);
    }
    default:
      return presence(frame, value, node);
  }
}

function runtimeTruth(frame: Frame, value: RuntimeValue, node: ts.Node): Expression | undefined {
  const at = frame.at(node);
  const { expression } = value;
  const { type } = expression;
  if (value.names) return build.bool(true, at);
  switch (type.kind) {
    case "bool":
      return expression;
    case "ref":
      return build.bool(true, at);
    case "number":
    case "u64":
    case "i64": {
      const right = build.constant(type, 0n, at);
      return { kind: "compare", operator: "notEqual", left: expression, right, type: boolType, at };
    }
    case "optional": {
      if (type.of.kind === "ref") return build.present(expression, at);
      const held = expression.kind === "local" ? expression : frame.emitter.let("tested", expression, at);
      const present = build.present(held, at);
      const inner = runtimeTruth(frame, { kind: "runtime", expression: build.unwrap(held, at) }, node);
      return inner && build.logical("and", present, inner, at);
    }
    default:
      frame.fail(node, messages.unexpectedValue("a condition", describe(value)));
      return undefined;
  }
}
