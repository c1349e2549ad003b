import ts from "typescript";
import { messages } from "../../diagnostics.ts";
import type { BinaryOperator, Expression } from "../../hir/tree.ts";
import { loadedType } from "../../hir/types.ts";
import { arithmetic } from "../arithmetic.ts";
import * as build from "../build.ts";
import { toLayout, toType } from "../coerce.ts";
import { truth } from "../conditions.ts";
import { isStable } from "../emitter.ts";
import { presence } from "../equality.ts";
import { evaluate } from "../expressions/evaluate.ts";
import { identifierValue } from "../expressions/identifier.ts";
import { elementReference, fieldReference } from "../expressions/property.ts";
import type { Frame } from "../frame.ts";
import type { Binding } from "../scope.ts";
import { inOrder, settle } from "../settle.ts";
import {
  describe,
  numberConstant,
  type RecordValue,
  type RuntimeValue,
  runtime,
  undefinedValue,
  type Value,
} from "../values.ts";

const K = ts.SyntaxKind;

/** What an assignment writes to. */
type Place =
  | { readonly kind: "variable"; readonly binding: Extract<Binding, { kind: "variable" }>; readonly read: () => Value }
  | { readonly kind: "object"; readonly record: RecordValue; readonly read: () => Value }
  | { readonly kind: "memory"; readonly ref: Expression; readonly read: () => Value };

/** `place = value` */
export function assign(frame: Frame, node: ts.BinaryExpression): void {
  if (ts.isObjectLiteralExpression(node.left) || ts.isArrayLiteralExpression(node.left)) {
    frame.fail(node, messages.unsupported("destructuring assignment", "Destructure with const, or assign one by one."));
    return;
  }
  const place = placeOf(frame, node.left);
  const value = evaluate(frame, node.right);
  if (place && value.kind !== "poison") write(frame, place, value, node);
}

/** `place += value` and the like. */
export function compoundAssign(frame: Frame, node: ts.BinaryExpression): void {
  const token = node.operatorToken.kind;
  if (isLogicalAssignment(token)) {
    logicalAssign(frame, node);
    return;
  }
  const operator = compound.get(token);
  if (!operator) {
    frame.fail(node, messages.unsupported(node.operatorToken.getText(), "Write the operation out."));
    return;
  }
  const place = placeOf(frame, node.left);
  if (!place) return;
  const [before, value] = inOrder(frame, [place.read, () => evaluate(frame, node.right)], node);
  if (!before || !value || value.kind === "poison") return;
  write(frame, place, arithmetic(frame, operator, before, value, node), node);
}

const compound: ReadonlyMap<ts.SyntaxKind, BinaryOperator> = new Map([
  [K.PlusEqualsToken, "add"],
  [K.MinusEqualsToken, "subtract"],
  [K.AsteriskEqualsToken, "multiply"],
  [K.SlashEqualsToken, "divide"],
  [K.PercentEqualsToken, "remainder"],
  [K.AmpersandEqualsToken, "and"],
  [K.BarEqualsToken, "or"],
  [K.CaretEqualsToken, "xor"],
  [K.LessThanLessThanEqualsToken, "shiftLeft"],
  [K.GreaterThanGreaterThanEqualsToken, "shiftRight"],
  [K.GreaterThanGreaterThanGreaterThanEqualsToken, "shiftRightUnsigned"],
]);

function isLogicalAssignment(token: ts.SyntaxKind): boolean {
  return (
    token === K.QuestionQuestionEqualsToken ||
    token === K.AmpersandAmpersandEqualsToken ||
    token === K.BarBarEqualsToken
  );
}

/** `place ??= value`: written only when it has to be. */
function logicalAssign(frame: Frame, node: ts.BinaryExpression): void {
  const place = placeOf(frame, node.left);
  if (!place) return;
  const before = place.read();
  const token = node.operatorToken.kind;
  const test =
    token === K.QuestionQuestionEqualsToken ? presence(frame, before, node.left) : truth(frame, before, node.left);
  if (!test) return;
  const at = frame.at(node);
  const wanted = token === K.AmpersandAmpersandEqualsToken ? test : build.not(test, at);
  const { statements } = frame.emitter.capture(() => {
    const value = evaluate(frame, node.right);
    if (value.kind !== "poison") write(frame, place, value, node);
  });
  frame.emitter.emit({ kind: "if", test: wanted, then: statements, otherwise: [], at });
}

/** `place++` and `place--` as statements. */
export function step(frame: Frame, node: ts.PrefixUnaryExpression | ts.PostfixUnaryExpression): void {
  const place = placeOf(frame, node.operand);
  if (!place) return;
  const before = place.read();
  const isNumber = before.kind === "runtime" && before.expression.type.kind === "number";
  const one: Value = isNumber ? numberConstant(1) : { kind: "constant", type: "bigint", value: 1n };
  const operator = node.operator === K.PlusPlusToken ? "add" : "subtract";
  write(frame, place, arithmetic(frame, operator, before, one, node), node);
}

function write(frame: Frame, place: Place, value: Value, node: ts.Node): void {
  if (value.kind === "poison") return;
  const at = frame.at(node);
  if (place.kind === "variable") {
    const { local, type } = place.binding;
    const expression = toType(frame, value, type, node);
    if (expression) frame.emitter.emit({ kind: "assign", local, value: expression, at });
    return;
  }
  if (place.kind === "object") {
    writeObject(frame, place.record, value, node);
    return;
  }
  const { ref } = place;
  if (ref.type.kind !== "ref") return;
  const expression = toLayout(frame, value, ref.type.layout, node);
  if (!expression) return;
  if (loadedType(ref.type.layout)) frame.emitter.emit({ kind: "store", target: ref, value: expression, at });
  else frame.emitter.emit({ kind: "copy", target: ref, source: expression, at });
}

/** Every member is calculated before the first is written: they may stand for each other. */
function writeObject(frame: Frame, variables: RecordValue, value: Value, node: ts.Node): void {
  const given = settle(frame, value, "assigned", node);
  if (given.kind !== "record") {
    frame.fail(node, messages.unexpectedValue("an object with the same members", describe(given)));
    return;
  }
  for (const [key, variable] of variables.members) {
    const member = given.members.get(key) ?? undefinedValue;
    if (variable.kind === "record") writeObject(frame, variable, member, node);
    if (variable.kind !== "runtime" || variable.expression.kind !== "local") continue;
    const { local, type } = variable.expression;
    const expression = toType(frame, member, type, node);
    if (expression) frame.emitter.emit({ kind: "assign", local, value: expression, at: frame.at(node) });
  }
}

function placeOf(frame: Frame, outer: ts.Expression): Place | undefined {
  let node = outer;
  while (ts.isParenthesizedExpression(node)) node = node.expression;
  if (ts.isIdentifier(node)) return variablePlace(frame, node);
  if (ts.isPropertyAccessExpression(node)) {
    const { text } = node.name;
    return memoryPlace(frame, evaluate(frame, node.expression), node, (base) =>
      fieldReference(frame, base, text, node),
    );
  }
  if (ts.isElementAccessExpression(node)) {
    const [base, index] = inOrder(
      frame,
      [() => evaluate(frame, node.expression), () => evaluate(frame, node.argumentExpression)],
      node,
    );
    if (!base || !index || index.kind === "poison") return undefined;
    return memoryPlace(frame, base, node, (value) =>
      index.kind === "string"
        ? fieldReference(frame, value, index.text, node)
        : elementReference(frame, value, settle(frame, index, "index", node), node),
    );
  }
  frame.fail(node, messages.readOnly("this"));
  return undefined;
}

function variablePlace(frame: Frame, node: ts.Identifier): Place | undefined {
  const symbol = frame.checker.getSymbolAtLocation(node);
  const binding = symbol && frame.scope.find(symbol);
  if (binding?.kind === "variable")
    return { kind: "variable", binding, read: () => identifierValue(frame, symbol!, node) };
  if (binding?.kind === "captured") {
    frame.fail(node, messages.captured(node.text));
    return undefined;
  }
  if (binding?.value.kind === "poison") return undefined;
  const record = binding?.value.kind === "record" ? binding.value : undefined;
  // tsc has said so where it is a constant.
  if (record) return { kind: "object", record, read: () => record };
  const isReference = binding?.value.kind === "runtime" && binding.value.expression.type.kind === "ref";
  const instead = "A variable holds a scalar or an object of scalars: keep other values in constants.";
  frame.fail(node, isReference ? messages.rebinding(node.text) : messages.readOnly(`"${node.text}"`, instead));
  return undefined;
}

function memoryPlace(
  frame: Frame,
  base: Value,
  node: ts.Node,
  reference: (base: RuntimeValue) => Expression | undefined,
): Place | undefined {
  if (base.kind === "poison") return undefined;
  if (base.kind !== "runtime" || base.kernelType) {
    const asWhole = "Assign the object as a whole, `v = { ...v, field: x }` with let, or use a layout's value.";
    frame.fail(node, messages.readOnly(describe(base), base.kind === "record" ? asWhole : undefined));
    return undefined;
  }
  const { type } = base.expression;
  if (type.kind !== "ref") {
    // tsc has said that it may be absent.
    return undefined;
  }
  if (type.region === "context" || type.region === "kernel" || type.region === "constant") {
    frame.fail(node, messages.readOnly("what belongs to the kernel"));
    return undefined;
  }
  const found = reference(base);
  if (!found) return undefined;
  const at = frame.at(node);
  const ref = isStable(found, frame.emitter.mutable) ? found : frame.emitter.let("place", found, at);
  return { kind: "memory", ref, read: () => runtime(build.loadOrRef(ref, at)) };
}
