import ts from "typescript";
import type { Frame } from "../frame.ts";
import type { Value } from "../values.ts";

export function arrow(frame: Frame, node: ts.ArrowFunction | ts.FunctionExpression): Value {
  const { parent } = node;
  const name = ts.isVariableDeclaration(parent) && ts.isIdentifier(parent.name) ? parent.name.text : "function";
  return { kind: "function", declaration: node, scope: frame.scope, name };
}
