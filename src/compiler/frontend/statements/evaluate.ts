import ts from "typescript";
import type { Frame } from "../frame.ts";
import { Scope } from "../scope.ts";
import { expressionStatement } from "./expression.ts";
import { forStatement } from "./for.ts";
import { forOfStatement } from "./for-of.ts";
import { ifStatement } from "./if.ts";
import { breakStatement, continueStatement, labelledStatement } from "./jumps.ts";
import { returnStatement } from "./return.ts";
import { switchStatement } from "./switch.ts";
import { functionDeclaration, variableStatement } from "./variables.ts";

/** Writes a statement. True when nothing behind it is reached. */
type Visitor = (frame: Frame, node: never) => boolean;

const K = ts.SyntaxKind;

/** One line per construct. What is missing here is refused by `syntax.ts` with what to write instead. */
const visitors: Readonly<Partial<Record<ts.SyntaxKind, Visitor>>> = {
  [K.Block]: (frame, node: ts.Block) => evaluateBlock(frame, node),
  [K.BreakStatement]: breakStatement,
  [K.ContinueStatement]: continueStatement,
  [K.EmptyStatement]: nothing,
  [K.ExpressionStatement]: expressionStatement,
  [K.ForOfStatement]: forOfStatement,
  [K.ForStatement]: forStatement,
  [K.EnumDeclaration]: nothing,
  [K.FunctionDeclaration]: functionDeclaration,
  [K.IfStatement]: ifStatement,
  [K.InterfaceDeclaration]: nothing,
  [K.LabeledStatement]: labelledStatement,
  [K.ReturnStatement]: returnStatement,
  [K.SwitchStatement]: switchStatement,
  [K.TypeAliasDeclaration]: nothing,
  [K.VariableStatement]: variableStatement,
};

/** Types need nothing, and an enum is evaluated where its members are used. */
function nothing(): boolean {
  return false;
}

export function evaluateStatement(frame: Frame, node: ts.Statement): boolean {
  const visit = visitors[node.kind];
  if (visit) return visit(frame, node as never);
  frame.session.gaveUp ??= node;
  return false;
}

/** Statements in a scope that exists. What cannot be reached is left out. */
export function evaluateStatements(frame: Frame, statements: readonly ts.Statement[]): boolean {
  // Functions can be called above their declaration.
  for (const statement of statements) {
    if (ts.isFunctionDeclaration(statement)) functionDeclaration(frame, statement);
  }
  return statements.some((statement) => evaluateStatement(frame, statement));
}

export function evaluateBlock(frame: Frame, node: ts.Statement): boolean {
  const inner = frame.with({ scope: new Scope(frame.scope) });
  return ts.isBlock(node) ? evaluateStatements(inner, node.statements) : evaluateStatement(inner, node);
}
