import ts from "typescript";
import * as build from "./build.ts";
import type { Frame } from "./frame.ts";
import { allowsUndefined } from "./types.ts";
import type { Value } from "./values.ts";

/**
 * What a use of a variable or property is after TypeScript's narrowing: where tsc knows that it is there, the value
 * without its "absent". The checker of HIR proves it again.
 */
export function narrowed(frame: Frame, value: Value, node: ts.Expression): Value {
  const mayNarrow =
    value.kind === "guarded" ||
    value.kind === "optionalRecord" ||
    (value.kind === "runtime" && value.expression.type.kind === "optional");
  if (!mayNarrow || isAskedFor(node) || allowsUndefined(frame.checker.getTypeAtLocation(node))) return value;
  return withoutAbsence(frame, value, node);
}

/** `x === undefined`: asks anew, also where tsc knows. The packet may have been changed, of which tsc knows nothing. */
function isAskedFor(node: ts.Expression): boolean {
  const { parent } = node;
  if (!ts.isBinaryExpression(parent)) return false;
  const { kind } = parent.operatorToken;
  const compares =
    kind === ts.SyntaxKind.EqualsEqualsEqualsToken || kind === ts.SyntaxKind.ExclamationEqualsEqualsToken;
  const other = parent.left === node ? parent.right : parent.left;
  return compares && ts.isIdentifier(other) && other.text === "undefined";
}

export function withoutAbsence(frame: Frame, value: Value, node: ts.Node): Value {
  switch (value.kind) {
    case "guarded":
      return withoutAbsence(frame, value.value, node);
    case "optionalRecord":
      return value.record;
    case "runtime":
      return { ...value, expression: build.unwrap(value.expression, frame.at(node)) };
    default:
      return value;
  }
}
