import ts from "typescript";

const K = ts.SyntaxKind;

/** The parts of a counted loop. */
export interface Counted {
  readonly name: ts.Identifier;
  readonly counter: ts.Symbol;
  readonly start: ts.Expression;
  /** Where it ends: all of these hold while it goes on. */
  readonly ends: readonly End[];
  readonly downwards: boolean;
  /** Absent for 1. */
  readonly step: ts.Expression | undefined;
  /** Further variables of the loop's head, which nobody assigns. */
  readonly constants: readonly ts.VariableDeclaration[];
}

/** The parts of a `for` loop that counts; otherwise what is in the way, in words. */
export function countedForm(node: ts.ForStatement, checker: ts.TypeChecker): Counted | Obstacle {
  const form = formOf(node, checker);
  return typeof form === "string" ? { why: form } : form;
}

/** Why a loop does not count, and what to write where it is more than the usual form. */
export interface Obstacle {
  readonly why: string;
  readonly instead?: string;
}

function formOf(node: ts.ForStatement, checker: ts.TypeChecker): Counted | Obstacle | string {
  const { initializer, condition, incrementor } = node;
  if (!initializer || !ts.isVariableDeclarationList(initializer)) return "it declares no counter";
  if (!condition) return "it has no end";
  if (!incrementor) return "it has no step";
  const step = stepOf(incrementor);
  if (!step) return "its step is not i++, i--, i += constant or i -= constant";
  const ends = endsOf(condition, step.name.text);
  if (!ends) return otherTest(condition, step.name.text);
  if (ends.some((end) => end.downwards !== step.downwards)) return "it counts away from its end";
  const declaration = initializer.declarations.find(
    (one) => ts.isIdentifier(one.name) && one.name.text === step.name.text,
  );
  if (!declaration?.initializer || !ts.isIdentifier(declaration.name)) return "it counts a variable of another place";
  const counter = checker.getSymbolAtLocation(declaration.name);
  if (!counter) return "its counter is unknown";
  return {
    name: declaration.name,
    counter,
    start: declaration.initializer,
    ends,
    downwards: step.downwards,
    step: step.by,
    constants: initializer.declarations.filter((one) => one !== declaration),
  };
}

interface Step {
  readonly name: ts.Identifier;
  readonly by: ts.Expression | undefined;
  readonly downwards: boolean;
}

function stepOf(node: ts.Expression): Step | undefined {
  if (ts.isPrefixUnaryExpression(node) || ts.isPostfixUnaryExpression(node)) {
    const { operand, operator } = node;
    const steps = operator === K.PlusPlusToken || operator === K.MinusMinusToken;
    return steps && ts.isIdentifier(operand)
      ? { name: operand, by: undefined, downwards: operator === K.MinusMinusToken }
      : undefined;
  }
  if (!ts.isBinaryExpression(node) || !ts.isIdentifier(node.left)) return undefined;
  const { kind } = node.operatorToken;
  if (kind === K.PlusEqualsToken) return { name: node.left, by: node.right, downwards: false };
  return kind === K.MinusEqualsToken ? { name: node.left, by: node.right, downwards: true } : undefined;
}

export interface End {
  readonly bound: ts.Expression;
  /** `<=` or `>=` */
  readonly inclusive: boolean;
  readonly downwards: boolean;
}

/** `i < end`, or several of these joined by &&. */
function endsOf(outer: ts.Expression, name: string): readonly End[] | undefined {
  const ends = conjuncts(outer).map((part) => endOf(part, name));
  return ends.every((end) => end !== undefined) ? ends : undefined;
}

/** What `&&` joins. */
function conjuncts(outer: ts.Expression): readonly ts.Expression[] {
  let node = outer;
  while (ts.isParenthesizedExpression(node)) node = node.expression;
  if (!ts.isBinaryExpression(node) || node.operatorToken.kind !== K.AmpersandAmpersandToken) return [node];
  return [...conjuncts(node.left), ...conjuncts(node.right)];
}

/** `i < end && more`: what is more can leave the loop instead. */
function otherTest(condition: ts.Expression, name: string): Obstacle {
  const parts = conjuncts(condition);
  const others = parts.filter((part) => !endOf(part, name));
  const why = `its test is not ${name} < end`;
  if (others.length === 0 || others.length === parts.length) return { why };
  const leave = others.length === 1 ? leaving(others[0]!) : "if (...) break";
  return { why, instead: `Keep the end in the head, and leave first thing in the body: \`${leave};\`.` };
}

function leaving(test: ts.Expression): string {
  if (ts.isPrefixUnaryExpression(test) && test.operator === K.ExclamationToken)
    return `if (${test.operand.getText()}) break`;
  const text = test.getText();
  return ts.isIdentifier(test) ? `if (!${text}) break` : `if (!(${text})) break`;
}

/** `i < end`, also written `end > i`. */
function endOf(node: ts.Expression, name: string): End | undefined {
  if (!ts.isBinaryExpression(node)) return undefined;
  const isCounter = (side: ts.Expression): boolean => ts.isIdentifier(side) && side.text === name;
  const mirrored = isCounter(node.right);
  if (!mirrored && !isCounter(node.left)) return undefined;
  const kind = node.operatorToken.kind;
  const less = kind === K.LessThanToken || kind === K.LessThanEqualsToken;
  const greater = kind === K.GreaterThanToken || kind === K.GreaterThanEqualsToken;
  if (!less && !greater) return undefined;
  const inclusive = kind === K.LessThanEqualsToken || kind === K.GreaterThanEqualsToken;
  return { bound: mirrored ? node.left : node.right, inclusive, downwards: mirrored ? less : greater };
}
