import ts from "typescript";

/** The variable that an assignment or ++ changes; undefined when the node is no such thing or changes a field. */
function assignedName(node: ts.Node): ts.Identifier | undefined {
  if (ts.isBinaryExpression(node) && isAssignment(node.operatorToken.kind)) return identifierOf(node.left);
  if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
    const changes = node.operator === ts.SyntaxKind.PlusPlusToken || node.operator === ts.SyntaxKind.MinusMinusToken;
    return changes ? identifierOf(node.operand) : undefined;
  }
  return undefined;
}

export function isAssignment(kind: ts.SyntaxKind): boolean {
  return kind >= ts.SyntaxKind.FirstAssignment && kind <= ts.SyntaxKind.LastAssignment;
}

function identifierOf(node: ts.Expression): ts.Identifier | undefined {
  let inner: ts.Expression = node;
  while (ts.isParenthesizedExpression(inner)) inner = inner.expression;
  return ts.isIdentifier(inner) ? inner : undefined;
}

/** The variables that something below the node assigns. */
export function assignedSymbols(root: ts.Node, checker: ts.TypeChecker): ReadonlySet<ts.Symbol> {
  const found = new Set<ts.Symbol>();
  const visit = (node: ts.Node): void => {
    const name = assignedName(node);
    const symbol = name && checker.getSymbolAtLocation(name);
    if (symbol) found.add(symbol);
    ts.forEachChild(node, visit);
  };
  visit(root);
  return found;
}

/** Whether a function inside of the variable's own one reads it: tsc does not ask there whether it has a value yet. */
export function isReadByClosure(symbol: ts.Symbol, checker: ts.TypeChecker): boolean {
  const own = ts.findAncestor(symbol.valueDeclaration, ts.isFunctionLike);
  const reads = (node: ts.Node, inClosure: boolean): boolean => {
    if (ts.isIdentifier(node)) return inClosure && !isWritten(node) && checker.getSymbolAtLocation(node) === symbol;
    const inner = inClosure || (ts.isFunctionLike(node) && node !== own);
    return ts.forEachChild(node, (child) => reads(child, inner)) ?? false;
  };
  return own !== undefined && reads(own, false);
}

function isWritten(node: ts.Identifier): boolean {
  const { parent } = node;
  const assigns = ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.EqualsToken;
  return assigns && parent.left === node;
}

/** The variables that a function assigns although they belong to a function around it. */
export function symbolsAssignedByClosures(root: ts.Node, checker: ts.TypeChecker): ReadonlySet<ts.Symbol> {
  const found = new Set<ts.Symbol>();
  const visit = (node: ts.Node, closure: ts.Node | undefined): void => {
    const name = closure && assignedName(node);
    const symbol = name && checker.getSymbolAtLocation(name);
    const declaration = symbol?.valueDeclaration;
    if (symbol && declaration && (declaration.pos < closure!.pos || declaration.end > closure!.end)) found.add(symbol);
    const inner = ts.isFunctionLike(node) ? node : closure;
    ts.forEachChild(node, (child) => visit(child, inner));
  };
  visit(root, undefined);
  return found;
}
