import ts from "typescript";
import { messages } from "../../diagnostics.ts";
import { sameType } from "../../hir/equality.ts";
import type { Expression, Statement } from "../../hir/tree.ts";
import * as build from "../build.ts";
import { constantType, expressionOf, toType } from "../coerce.ts";
import { condition, truth } from "../conditions.ts";
import { presence } from "../equality.ts";
import type { Frame } from "../frame.ts";
import { type Branch, merge } from "../merge.ts";
import { withoutAbsence } from "../narrowing.ts";
import { settle } from "../settle.ts";
import { describe, poison, runtime, type Value } from "../values.ts";
import { booleanValue } from "./binary.ts";
import { evaluate } from "./evaluate.ts";

const K = ts.SyntaxKind;

/** `test ? a : b` */
export function choice(frame: Frame, node: ts.ConditionalExpression): Value {
  const test = condition(frame, node.condition);
  if (!test) return poison;
  if (test.kind === "constant") return evaluate(frame, test.value ? node.whenTrue : node.whenFalse);
  return choose(
    frame,
    test,
    { body: () => evaluate(frame, node.whenTrue), node: node.whenTrue },
    { body: () => evaluate(frame, node.whenFalse), node: node.whenFalse },
    node,
  );
}

interface Side {
  readonly body: () => Value;
  readonly node: ts.Node;
}

/** One of two values. Scalars without statements become an expression, all else variables that both sides set. */
export function choose(frame: Frame, test: Expression, then: Side, otherwise: Side, node: ts.Node): Value {
  const { emitter } = frame;
  const first = emitter.capture(then.body);
  const second = emitter.capture(otherwise.body);
  const branches: readonly [Branch, Branch] = [
    { value: first.result, statements: first.statements, node: then.node },
    { value: second.result, statements: second.statements, node: otherwise.node },
  ];
  const simple =
    first.statements.length === 0 && second.statements.length === 0 && simpleChoice(frame, test, branches, node);
  if (simple) return simple;
  const declarations: Statement[] = [];
  const value = merge(frame, branches, { name: "chosen", declarations }, node);
  for (const statement of declarations) emitter.emit(statement);
  emitter.emit({ kind: "if", test, then: first.statements, otherwise: second.statements, at: frame.at(node) });
  return value;
}

function simpleChoice(
  frame: Frame,
  test: Expression,
  [then, otherwise]: readonly [Branch, Branch],
  node: ts.Node,
): Value | undefined {
  const expressions = [
    simple(frame, then.value, otherwise.value, then.node),
    simple(frame, otherwise.value, then.value, otherwise.node),
  ];
  const [left, right] = expressions;
  if (!left || !right || !sameType(left.type, right.type)) return undefined;
  return runtime(build.conditional(test, left, right, frame.at(node)));
}

/** The expression of a scalar, when its type is clear. */
function simple(frame: Frame, value: Value, other: Value, node: ts.Node): Expression | undefined {
  const isScalar = (one: Expression): boolean => !/^(ref|optional|void)$/.test(one.type.kind);
  if (value.kind === "runtime" && !value.names) return isScalar(value.expression) ? value.expression : undefined;
  if (value.kind !== "constant") return undefined;
  if (value.type !== "bigint") return build.constant(constantType(value), value.value, frame.at(node));
  const wanted =
    other.kind === "runtime" ? other.expression.type : other.kind === "constant" ? constantType(other) : undefined;
  return wanted?.kind === "u64" || wanted?.kind === "i64" ? toType(frame, value, wanted, node) : undefined;
}

/** `a ?? b` */
export function coalesce(frame: Frame, node: ts.BinaryExpression): Value {
  return orElse(frame, evaluate(frame, node.left), node.right, node.left);
}

/** A value, or what stands in for it where it is absent. */
export function orElse(frame: Frame, value: Value, fallback: ts.Expression, node: ts.Node): Value {
  const held = holdOptional(frame, value, node);
  const test = presence(frame, held, node);
  if (!test) return poison;
  if (test.kind === "constant") return test.value ? held : evaluate(frame, fallback);
  const there: Side = { body: () => withoutAbsence(frame, held, node), node };
  return choose(frame, test, there, { body: () => evaluate(frame, fallback), node: fallback }, node);
}

/** An optional that is used twice (tested and unwrapped) must be calculated once. */
function holdOptional(frame: Frame, value: Value, node: ts.Node): Value {
  if (!frame.inProgram) return value;
  if (value.kind === "runtime" && value.expression.type.kind === "optional" && value.expression.kind !== "local")
    return runtime(frame.emitter.let("held", value.expression, frame.at(node)));
  return value.kind === "guarded" ? settle(frame, value, "held", node) : value;
}

/** `a && b` and `a || b` as values: booleans stay tests, others are chosen from. */
export function logicalValue(frame: Frame, node: ts.BinaryExpression): Value {
  if (isBoolean(frame, node.left) && isBoolean(frame, node.right)) return booleanValue(frame, node);
  const and = node.operatorToken.kind === K.AmpersandAmpersandToken;
  const left = holdOptional(frame, evaluate(frame, node.left), node.left);
  const held = frame.inProgram && left.kind === "runtime" ? settle(frame, left, "held", node.left) : left;
  const test = truth(frame, held, node.left);
  if (!test) return poison;
  if (test.kind === "constant") return test.value === and ? evaluate(frame, node.right) : held;
  const keep: Side = {
    body: () => (and ? falsy(frame, held, node) : withoutAbsence(frame, held, node)),
    node: node.left,
  };
  const go: Side = { body: () => evaluate(frame, node.right), node: node.right };
  return and ? choose(frame, test, go, keep, node) : choose(frame, test, keep, go, node);
}

/** What the left side of && is when it is not true. */
function falsy(frame: Frame, value: Value, node: ts.Node): Value {
  const expression = expressionOf(frame, value, node);
  if (!expression) return poison;
  if (expression.type.kind !== "optional") return value;
  if (expression.type.of.kind === "ref") return { kind: "undefined" };
  return frame.fail(node, messages.unexpectedValue("a boolean or a reference on the left of &&", describe(value)));
}

function isBoolean(frame: Frame, node: ts.Expression): boolean {
  const type = frame.checker.getTypeAtLocation(node);
  const members = type.isUnion() ? type.types : [type];
  return members.every((one) => (one.flags & ts.TypeFlags.BooleanLike) !== 0);
}
