import ts from "typescript";
import { bindPattern } from "../bindings.ts";
import { evaluate } from "../expressions/evaluate.ts";
import type { Frame } from "../frame.ts";
import { undefinedValue } from "../values.ts";

export function variableStatement(frame: Frame, node: ts.VariableStatement): boolean {
  declareVariables(frame, node.declarationList);
  return false;
}

function declareVariables(frame: Frame, list: ts.VariableDeclarationList): void {
  for (const declaration of list.declarations) {
    const { name, initializer } = declaration;
    const hint = ts.isIdentifier(name) ? name.text : frame.state.hint;
    const value = initializer ? evaluate(frame.named(hint), initializer) : undefinedValue;
    bindPattern(frame, name, value, { node: declaration, declaration });
  }
}

export function functionDeclaration(frame: Frame, node: ts.FunctionDeclaration): boolean {
  const symbol = node.name && frame.checker.getSymbolAtLocation(node.name);
  // An overload's signature has no body.
  if (symbol && node.name && node.body) {
    const value = { kind: "function", declaration: node, scope: frame.scope, name: node.name.text } as const;
    frame.scope.bind(symbol, { kind: "value", value });
  }
  return false;
}
