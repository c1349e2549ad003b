import ts from "typescript";
import { messages } from "../../diagnostics.ts";
import { isScalar } from "../../hir/layout.ts";
import type { Expression } from "../../hir/tree.ts";
import { boolType, numberType } from "../../hir/types.ts";
import * as build from "../build.ts";
import { expressionOf, toType } from "../coerce.ts";
import type { Frame } from "../frame.ts";
import { kernelElement, kernelField } from "../kernel-fields.ts";
import { layoutMember } from "../library/layouts.ts";
import { withDefault } from "../library/setting-types.ts";
import { narrowed } from "../narrowing.ts";
import { inOrder, settle, variable } from "../settle.ts";
import {
  type BuiltinValue,
  builtin,
  describe,
  type GuardedValue,
  numberConstant,
  poison,
  type RuntimeValue,
  runtime,
  undefinedValue,
  type Value,
} from "../values.ts";
import { choose } from "./conditional.ts";
import { evaluate } from "./evaluate.ts";

export function propertyAccess(frame: Frame, node: ts.PropertyAccessExpression): Value {
  const base = evaluate(frame, node.expression);
  const access = (value: Value): Value => property(frame, value, node.name.text, node);
  return narrowed(frame, throughChain(frame, base, access, node), node);
}

export function elementAccess(frame: Frame, node: ts.ElementAccessExpression): Value {
  const [base, index] = inOrder(
    frame,
    [() => evaluate(frame, node.expression), () => evaluate(frame, node.argumentExpression)],
    node,
  );
  if (!base || !index) return poison;
  const access = (value: Value): Value => elementOf(frame, value, index, node);
  return narrowed(frame, throughChain(frame, base, access, node), node);
}

/** Applies an access to what an optional chain has come to: `a?.b`, and the `.c` of `a?.b.c`. */
function throughChain(
  frame: Frame,
  base: Value,
  access: (value: Value) => Value,
  node: ts.PropertyAccessExpression | ts.ElementAccessExpression,
): Value {
  if (base.kind === "guarded") {
    const held = base.value.expression.type.kind === "optional" ? holdGuarded(frame, base, node) : base;
    if (held.kind !== "guarded") return held.kind === "runtime" ? optionalAccess(frame, held, access, node) : poison;
    return guard(frame, held.present, access(held.value), node);
  }
  const optional = base.kind === "runtime" && base.expression.type.kind === "optional";
  const chained = ts.isOptionalChain(node);
  if (optional && chained) return optionalAccess(frame, base, access, node);
  if (base.kind === "undefined" && chained) return base;
  if (base.kind === "optionalRecord" && chained) return guard(frame, base.present, access(base.record), node);
  if (optional || base.kind === "optionalRecord") return poison;
  return access(base);
}

function holdGuarded(frame: Frame, value: GuardedValue, node: ts.Node): Value {
  const expression = expressionOf(frame, value, node);
  return expression ? { ...value.value, expression } : poison;
}

function optionalAccess(frame: Frame, base: RuntimeValue, access: (value: Value) => Value, node: ts.Node): Value {
  const at = frame.at(node);
  const { expression } = base;
  const held = expression.kind === "local" ? expression : frame.emitter.let("held", expression, at);
  return guard(frame, build.present(held, at), access({ ...base, expression: build.unwrap(held, at) }), node);
}

function guard(frame: Frame, present: Expression, value: Value, node: ts.Node): Value {
  if (present.kind === "constant") return present.value ? value : { kind: "undefined" };
  switch (value.kind) {
    case "runtime":
      return { kind: "guarded", present, value };
    case "guarded": {
      const both = build.logical("and", present, value.present, frame.at(node));
      return { kind: "guarded", present: both, value: value.value };
    }
    case "constant": {
      const expression = expressionOf(frame, value, node);
      return expression ? { kind: "guarded", present, value: runtime(expression) } : poison;
    }
    case "optionalRecord": {
      const both = build.logical("and", present, value.present, frame.at(node));
      return { kind: "optionalRecord", present: both, record: value.record };
    }
    case "record":
    case "object":
      return { kind: "optionalRecord", present, record: value };
    case "builtin":
      return builtin(value.name, (inner, call) => callWhere(inner, present, value, call));
    case "undefined":
    case "poison":
      return value;
    default:
      return frame.fail(node, messages.unexpectedValue("a field of a struct", describe(value)));
  }
}

/** `a?.method(...)`: called where `a` is there, with arguments that are evaluated there only; otherwise absent. */
function callWhere(frame: Frame, present: Expression, method: BuiltinValue, call: ts.CallExpression): Value {
  const there = { body: () => method.call(frame, call), node: call };
  return choose(frame, present, there, { body: () => undefinedValue, node: call }, call);
}

/** `value.name` */
export function property(frame: Frame, value: Value, name: string, node: ts.Node): Value {
  switch (value.kind) {
    case "runtime":
      return value.kernelType ? kernelField(frame, value, name, node) : fieldOf(frame, value, name, node);
    case "record":
      return value.members.get(name) ?? { kind: "undefined" };
    case "list":
      if (name === "at") return builtin("at", (inner, call) => listAt(inner, value.items, call));
      return name === "length" ? numberConstant(value.items.length) : unknown(frame, name, node);
    case "string":
      return name === "length" ? numberConstant(value.text.length) : unknown(frame, name, node);
    case "object":
    case "builtin":
      return value.member?.(frame, name, node) ?? unknown(frame, name, node);
    case "layout":
      return layoutMember(frame, value, name, node);
    case "settingType":
      return name === "default" ? withDefault(value) : unknown(frame, name, node);
    case "poison":
      return poison;
    default:
      return frame.fail(node, messages.unexpectedValue("an object", describe(value)));
  }
}

function unknown(frame: Frame, name: string, node: ts.Node): Value {
  return frame.fail(node, messages.unknownMember(name));
}

function fieldOf(frame: Frame, value: RuntimeValue, name: string, node: ts.Node): Value {
  const { type } = value.expression;
  if (type.kind === "ref" && (type.layout.kind === "bytes" || type.layout.kind === "array")) {
    const { length } = type.layout;
    if (name === "length") return numberConstant(length);
    if (name === "at") return builtin("at", (inner, call) => checkedElement(inner, value, length, call));
  }
  const reference = fieldReference(frame, value, name, node);
  return reference ? runtime(build.loadOrRef(reference, frame.at(node))) : poison;
}

/** The reference to a field; `value` of a reference to a scalar is that scalar. */
export function fieldReference(frame: Frame, value: RuntimeValue, name: string, node: ts.Node): Expression | undefined {
  const { expression } = value;
  const layout = expression.type.kind === "ref" ? expression.type.layout : undefined;
  if (layout?.kind === "struct" || layout?.kind === "union") {
    const index = layout.fields.findIndex((field) => field.name === name);
    if (index >= 0) return build.field(expression, index, layout.fields[index]!.layout, frame.at(node));
  } else if (layout && name === "value" && isScalar(layout)) {
    return expression;
  }
  frame.fail(node, messages.unknownMember(name));
  return undefined;
}

/** `value[index]` */
export function elementOf(frame: Frame, value: Value, index: Value, node: ts.Node): Value {
  if (value.kind === "poison" || index.kind === "poison") return poison;
  if (index.kind === "string") return property(frame, value, index.text, node);
  if (value.kind === "list") return listItem(frame, value.items, index, node);
  if (value.kind === "record" && index.kind === "constant") return property(frame, value, String(index.value), node);
  if (value.kind !== "runtime") return frame.fail(node, messages.unexpectedValue("an array", describe(value)));
  if (value.kernelType) return kernelElement(frame, value, index, node);
  const reference = elementReference(frame, value, index, node);
  return reference ? runtime(build.loadOrRef(reference, frame.at(node))) : poison;
}

/** `array.at(index)`: absent out of range, like JavaScript's but that a negative index does not count from the end. */
function checkedElement(frame: Frame, value: RuntimeValue, length: number, call: ts.CallExpression): Value {
  const [given] = call.arguments;
  if (!given) return poison;
  const index = settle(frame, evaluate(frame, given), "index", given);
  if (index.kind === "poison") return poison;
  if (index.kind === "constant" && (Number(index.value) < 0 || Number(index.value) >= length))
    return { kind: "undefined" };
  const number = toType(frame, index, numberType, call);
  if (!number) return poison;
  const at = frame.at(call);
  const position = variable(frame, number, "index", call);
  const reference = elementReference(frame, value, runtime(position), call);
  if (!reference) return poison;
  const compare = (operator: "greaterEqual" | "less", limit: number): Expression => {
    return { kind: "compare", operator, left: position, right: build.numberLiteral(limit, at), type: boolType, at };
  };
  const present = build.logical("and", compare("greaterEqual", 0), compare("less", length), at);
  if (position.kind === "constant") return runtime(build.loadOrRef(reference, at));
  return guard(frame, present, runtime(build.loadOrRef(reference, at)), call);
}

function listItem(frame: Frame, items: readonly Value[], index: Value, node: ts.Node): Value {
  if (index.kind !== "constant") {
    const instead = "Write `for (const item of list)`, which is unrolled, and count the rounds in a variable.";
    return frame.fail(node, messages.notConstant("the index of a list of constants", instead));
  }
  const item = items[Number(index.value)];
  return item ?? frame.fail(node, messages.indexOutOfRange(String(index.value), items.length));
}

function listAt(frame: Frame, items: readonly Value[], call: ts.CallExpression): Value {
  const index = call.arguments[0] ? evaluate(frame, call.arguments[0]) : poison;
  if (index.kind === "constant") return items[Number(index.value)] ?? { kind: "undefined" };
  return index.kind === "poison" ? poison : listItem(frame, items, index, call);
}

/** The reference to an element; that the index is in range is proven later, where it is not a constant. */
export function elementReference(
  frame: Frame,
  value: RuntimeValue,
  index: Value,
  node: ts.Node,
): Expression | undefined {
  const { expression } = value;
  const layout = expression.type.kind === "ref" ? expression.type.layout : undefined;
  const part = layout && build.elementLayout(layout);
  if (!part || (layout.kind !== "array" && layout.kind !== "bytes")) {
    frame.fail(node, messages.unexpectedValue("an array", describe(value)));
    return undefined;
  }
  if (index.kind === "constant" && (Number(index.value) < 0 || Number(index.value) >= layout.length)) {
    frame.fail(node, messages.indexOutOfRange(String(index.value), layout.length));
    return undefined;
  }
  const position = toType(frame, index, numberType, node);
  return position && build.element(expression, position, part, frame.at(node));
}
