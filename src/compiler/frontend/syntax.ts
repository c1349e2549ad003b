import ts from "typescript";
import { type Message, messages } from "../diagnostics.ts";
import { isAssignment } from "./assignments.ts";
import { isConstAssertion } from "./expressions/cast.ts";
import { isInstalledSource, isKernelImport } from "./program.ts";
import type { Session } from "./session.ts";

const K = ts.SyntaxKind;

interface Rules {
  /** What is wrong with a node of a kind, going by its form alone (and, for names, by whether they are known). */
  readonly [kind: number]: (node: never, session: Session) => Message | undefined;
}

const unsupported = (what: string, instead: string) => (): Message => messages.unsupported(what, instead);
const asynchronous = unsupported(
  "asynchronous code",
  "Kernel code runs to its end; leave what waits to the host side.",
);
const noClasses = unsupported("classes", "Use struct() for data and functions for what is done with it.");
const noExceptions = unsupported("exceptions", "Return undefined or a bool, and let the caller test it.");
const noTemplates = unsupported("text templates", "Text does not exist in the kernel; send numbers to the host.");
const noTypeTests = unsupported("type tests at run time", "Types are known at compile time; test values.");

const rules: Rules = {
  [K.AnyKeyword]: () => messages.anyType(),
  [K.NonNullExpression]: () => messages.nonNull(),
  [K.AsExpression]: (node: ts.AsExpression) =>
    isConstAssertion(node) ? undefined : messages.unsafeCast(node.type.getText()),
  [K.TypeAssertionExpression]: (node: ts.TypeAssertion) => messages.unsafeCast(node.type.getText()),
  [K.TypePredicate]: () => messages.typePredicate(),
  [K.WhileStatement]: () => messages.unboundedLoop("while"),
  [K.DoStatement]: () => messages.unboundedLoop("do"),
  [K.ForInStatement]: unsupported("for...in", "Use for...of over a list, or name the fields."),
  [K.SwitchStatement]: switchRule,
  [K.BinaryExpression]: binaryRule,
  [K.PrefixUnaryExpression]: stepRule,
  [K.PostfixUnaryExpression]: stepRule,
  [K.AwaitExpression]: asynchronous,
  [K.AsyncKeyword]: asynchronous,
  [K.DeclareKeyword]: unsupported("declare", "Define it here, or import it from a kernel module."),
  [K.YieldExpression]: unsupported("generators", "Use a counted loop."),
  [K.ClassDeclaration]: noClasses,
  [K.ClassExpression]: noClasses,
  [K.NewExpression]: unsupported("new", "Call the layout: `Key({ ... })`."),
  [K.ThisKeyword]: unsupported("this", "Pass what the function needs as parameters."),
  [K.SuperKeyword]: noClasses,
  [K.TryStatement]: noExceptions,
  [K.ThrowStatement]: noExceptions,
  [K.RegularExpressionLiteral]: unsupported("regular expressions", "Compare bytes."),
  [K.TemplateExpression]: noTemplates,
  [K.TaggedTemplateExpression]: noTemplates,
  [K.DeleteExpression]: unsupported("delete", "Remove entries of maps with map.delete(key)."),
  [K.TypeOfExpression]: noTypeTests,
  [K.VoidExpression]: unsupported("void", "Write undefined, or a statement of its own."),
  [K.ImportKeyword]: unsupported("import()", "Import at the top of the module."),
  [K.MetaProperty]: unsupported("import.meta", "A kernel module knows nothing of files."),
  [K.WithStatement]: unsupported("with", "Use a const."),
  [K.DebuggerStatement]: unsupported("debugger", "Use `iovisor explain`."),
  [K.ModuleDeclaration]: unsupported("namespaces", "Use a module of its own."),
  [K.Decorator]: unsupported("decorators", "Call a function."),
  [K.GetAccessor]: unsupported("getters", "Use a function."),
  [K.SetAccessor]: unsupported("setters", "Use a function."),
  [K.ExportDeclaration]: importRule,
  [K.ImportDeclaration]: importRule,
  [K.VariableDeclarationList]: variableRule,
  [K.FunctionDeclaration]: functionRule,
  [K.FunctionExpression]: functionRule,
  [K.MethodDeclaration]: functionRule,
  [K.Identifier]: nameRule,
};

/** Reports every construct of a file that kernel code does not have, wherever it stands, used or not. */
export function checkSyntax(session: Session, file: ts.SourceFile): void {
  if (isInstalledSource(file.fileName)) return;
  for (const statement of file.statements) {
    const fault = moduleStatementFault(statement);
    if (fault) session.report(statement, messages.moduleStatement(fault));
  }
  checkComments(session, file);
  const visit = (node: ts.Node): void => {
    const rule = rules[node.kind] as ((node: ts.Node, session: Session) => Message | undefined) | undefined;
    const message = rule?.(node, session);
    if (message) session.report(node, message);
    // A class and its like are one mistake, not as many as they have members.
    if (!message || !isWhole(node)) ts.forEachChild(node, visit);
  };
  visit(file);
}

function isWhole(node: ts.Node): boolean {
  return ts.isClassLike(node) || ts.isModuleDeclaration(node);
}

function moduleStatementFault(node: ts.Statement): string | undefined {
  switch (node.kind) {
    case K.ImportDeclaration:
    case K.ExportDeclaration:
    case K.FunctionDeclaration:
    case K.EnumDeclaration:
    case K.InterfaceDeclaration:
    case K.TypeAliasDeclaration:
    case K.EmptyStatement:
    // These have messages of their own.
    case K.ClassDeclaration:
    case K.ModuleDeclaration:
    case K.WhileStatement:
    case K.DoStatement:
      return undefined;
    case K.ExportAssignment:
      return (node as ts.ExportAssignment).isExportEquals ? "export =" : undefined;
    case K.VariableStatement: {
      const { flags } = (node as ts.VariableStatement).declarationList;
      return (flags & ts.NodeFlags.Const) === 0 ? "a variable" : undefined;
    }
    default:
      return "a statement";
  }
}

const suppressing = /\/[/*]\s*(@ts-(?:ignore|expect-error|nocheck))\b/g;

/** Only comments that tsc itself would obey: text that looks like one is inside of a string otherwise. */
function checkComments(session: Session, file: ts.SourceFile): void {
  for (const match of file.text.matchAll(suppressing)) {
    if (isInsideToken(file, match.index)) continue;
    session.reportAt(file, match.index, match[0].length, messages.suppressedCheck(match[1]!));
  }
}

function isInsideToken(file: ts.SourceFile, position: number): boolean {
  const inside = (node: ts.Node): boolean => {
    if (position < node.getStart(file) || position >= node.end) return false;
    if (ts.isStringLiteralLike(node) || ts.isTemplateLiteralToken(node)) return true;
    return ts.forEachChild(node, inside) === true;
  };
  return inside(file);
}

function binaryRule(node: ts.BinaryExpression): Message | undefined {
  const { kind } = node.operatorToken;
  switch (kind) {
    case K.EqualsEqualsToken:
    case K.ExclamationEqualsToken:
      return messages.looseEquality(node.operatorToken.getText());
    case K.CommaToken:
      return messages.unsupported("comma operator", "Write two statements.");
    case K.InKeyword:
    case K.InstanceOfKeyword:
      return noTypeTests();
    case K.AsteriskAsteriskEqualsToken:
      return messages.unsupported("**=", "Multiply.");
  }
  return isAssignment(kind) && !isStatement(node) ? messages.nestedAssignment() : undefined;
}

/** An assignment that stands for itself, or as the step of a loop. */
function isStatement(node: ts.Expression): boolean {
  let outer: ts.Node = node.parent;
  while (ts.isParenthesizedExpression(outer)) outer = outer.parent;
  return ts.isExpressionStatement(outer) || (ts.isForStatement(outer) && outer.incrementor === node);
}

function stepRule(node: ts.PrefixUnaryExpression | ts.PostfixUnaryExpression): Message | undefined {
  if (node.operator === K.PlusToken)
    return messages.unsupported("unary +", "Leave it out; convert with u32() and the like.");
  const changes = node.operator === K.PlusPlusToken || node.operator === K.MinusMinusToken;
  return changes && !isStatement(node) ? messages.nestedAssignment() : undefined;
}

function switchRule(node: ts.SwitchStatement): Message | undefined {
  const { clauses } = node.caseBlock;
  const falls = clauses.some(
    (clause, index) => index < clauses.length - 1 && clause.statements.length > 0 && !leaves(clause.statements.at(-1)),
  );
  return falls ? messages.fallThrough() : undefined;
}

/** Whether nothing behind a statement is reached. */
function leaves(node: ts.Statement | undefined): boolean {
  if (!node) return false;
  switch (node.kind) {
    case K.BreakStatement:
    case K.ContinueStatement:
    case K.ReturnStatement:
    case K.ThrowStatement:
      return true;
    case K.Block:
      return leaves((node as ts.Block).statements.at(-1));
    case K.IfStatement: {
      const { thenStatement, elseStatement } = node as ts.IfStatement;
      return leaves(thenStatement) && leaves(elseStatement);
    }
    default:
      return false;
  }
}

function importRule(node: ts.ImportDeclaration | ts.ExportDeclaration): Message | undefined {
  const specifier = node.moduleSpecifier;
  if (!specifier || !ts.isStringLiteral(specifier) || isKernelImport(specifier.text)) return undefined;
  return messages.foreignImport(specifier.text);
}

function variableRule(node: ts.VariableDeclarationList): Message | undefined {
  if ((node.flags & ts.NodeFlags.BlockScoped) === 0) return messages.unsupported("var", "Use let or const.");
  const using = (node.flags & ts.NodeFlags.Using) === ts.NodeFlags.Using;
  return using ? messages.unsupported("using", "Nothing in the kernel needs to be disposed of.") : undefined;
}

function functionRule(node: ts.FunctionLikeDeclaration): Message | undefined {
  return node.asteriskToken ? messages.unsupported("generators", "Use a counted loop.") : undefined;
}

const events = "Send an event to the host: `events.emit({ ... })` of a ring buffer.";
const integers = "Use integer arithmetic, min() and max().";
const clock = "Use time.now().";
const conversion = "Convert with u8(), u16(), u32(), u64() and the like.";
const maps = "Declare a map at module scope: `hash({ key, value, maxEntries })`.";
const host = "Leave it to the function's host side.";

/** What people reach for that is not there, and what serves instead. */
const foreign: ReadonlyMap<string, string> = new Map([
  ["console", events],
  ["Math", integers],
  ["Date", clock],
  ["performance", clock],
  ["Number", conversion],
  ["BigInt", conversion],
  ["Boolean", conversion],
  ["String", events],
  ["parseInt", conversion],
  ["Map", maps],
  ["Set", maps],
  ["WeakMap", maps],
  ["Array", "Use array() and bytes() layouts, or lists of constants."],
  ["Uint8Array", "Use bytes(n)."],
  ["Object", "Name the fields."],
  ["JSON", events],
  ["Promise", host],
  ["setTimeout", host],
  ["setInterval", host],
  ["process", host],
  ["Buffer", "Use bytes(n)."],
  ["globalThis", "Name what you mean."],
  ["window", host],
  ["fetch", host],
  ["Error", "Return undefined or a bool, and let the caller test it."],
  ["arguments", "Use a rest parameter."],
  ["eval", "Write the code."],
]);

function nameRule(node: ts.Identifier, session: Session): Message | undefined {
  const instead = foreign.get(node.text);
  if (instead === undefined || !isUse(node)) return undefined;
  const declaration = session.checker.getSymbolAtLocation(node)?.declarations?.[0];
  const own = declaration && !isInstalledSource(declaration.getSourceFile().fileName);
  return own ? undefined : messages.foreignGlobal(node.text, instead);
}

/** Whether a name stands for a value, rather than for a field or a type. */
function isUse(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node;
  if (ts.isNewExpression(parent) || ts.isCallExpression(parent)) return true;
  return ts.isExpressionStatement(parent) || ts.isVariableDeclaration(parent) || ts.isBinaryExpression(parent);
}
