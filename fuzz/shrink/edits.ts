import ts from "typescript";

/** A replacement in a source text. */
export interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export function apply(source: string, { start, end, text }: Edit): string {
  return source.slice(0, start) + text + source.slice(end);
}

/** Ways to make a module smaller, those that take most away first. Most of them make it invalid; some do not. */
export function edits(source: string): readonly Edit[] {
  const file = ts.createSourceFile("module.ts", source, ts.ScriptTarget.ESNext, true);
  const found: Edit[] = [];
  const visit = (node: ts.Node): void => {
    found.push(...editsOf(node, file));
    ts.forEachChild(node, visit);
  };
  ts.forEachChild(file, visit);
  return found.sort((a, b) => b.end - b.start - b.text.length - (a.end - a.start - a.text.length));
}

function editsOf(node: ts.Node, file: ts.SourceFile): readonly Edit[] {
  const [start, end] = [node.getStart(file), node.end];
  const replace = (text: string): Edit => ({ start, end, text });
  const by = (other: ts.Node): Edit => replace(other.getText(file));
  if (ts.isStatement(node)) return [replace(""), ...unwrapped(node).map(by)];
  if (ts.isObjectLiteralElementLike(node) || ts.isVariableDeclaration(node) || ts.isCaseOrDefaultClause(node))
    return [listItem(node, file)];
  if (ts.isBindingElement(node) || ts.isParameter(node)) return [listItem(node, file)];
  if (ts.isArrayLiteralExpression(node.parent) || isArgument(node))
    return [listItem(node, file), ...expressionEdits(node, by, replace)];
  return expressionEdits(node, by, replace);
}

function isArgument(node: ts.Node): boolean {
  return ts.isCallExpression(node.parent) && node.parent.expression !== node;
}

/** What a compound statement holds, to stand in its place. */
function unwrapped(node: ts.Statement): readonly ts.Node[] {
  if (ts.isIfStatement(node))
    return node.elseStatement ? [node.thenStatement, node.elseStatement] : [node.thenStatement];
  if (ts.isLabeledStatement(node)) return [node.statement];
  if (ts.isForStatement(node) || ts.isForOfStatement(node)) return [node.statement];
  return [];
}

/** An item of a list, with the comma behind it. */
function listItem(node: ts.Node, file: ts.SourceFile): Edit {
  const comma = /^\s*,/.exec(file.text.slice(node.end));
  return { start: node.getStart(file), end: node.end + (comma ? comma[0].length : 0), text: "" };
}

function expressionEdits(
  node: ts.Node,
  by: (other: ts.Node) => Edit,
  replace: (text: string) => Edit,
): readonly Edit[] {
  if (!ts.isExpression(node) || ts.isIdentifier(node) || ts.isFunctionLike(node)) return [];
  const isLiteral = ts.isNumericLiteral(node) || ts.isBigIntLiteral(node);
  if (isLiteral) return node.getText().length > 2 ? [replace("0"), replace("1"), replace("0n"), replace("1n")] : [];
  const children: ts.Node[] = [];
  ts.forEachChild(node, (child) => {
    if (ts.isExpression(child)) children.push(child);
  });
  return [...children.map(by), ...["0", "0n", "true", "1", "1n", "false"].map(replace)];
}
