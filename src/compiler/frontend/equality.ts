import type ts from "typescript";
import { messages } from "../diagnostics.ts";
import { sameType } from "../hir/equality.ts";
import type { Expression } from "../hir/tree.ts";
import { boolType } from "../hir/types.ts";
import { compareIntegers } from "./arithmetic.ts";
import * as build from "./build.ts";
import { constantType, expressionOf } from "./coerce.ts";
import type { Frame } from "./frame.ts";
import { boolConstant, describe, poison, type RuntimeValue, runtime, type Value } from "./values.ts";

/** `left === right`, or its opposite. */
export function equality(frame: Frame, equal: boolean, left: Value, right: Value, node: ts.Node): Value {
  if (left.kind === "poison" || right.kind === "poison") return poison;
  if (left.kind === "undefined" || right.kind === "undefined") {
    const other = left.kind === "undefined" ? right : left;
    const present = presence(frame, other, node);
    return present ? boolean(equal ? build.not(present, frame.at(node)) : present) : poison;
  }
  if (left.kind === "guarded") return guarded(frame, equal, left.present, left.value, right, node);
  if (right.kind === "guarded") return guarded(frame, equal, right.present, right.value, left, node);
  const known = compileTime(left, right);
  if (known !== undefined) return boolConstant(known === equal);
  if (otherNames(left, right)) return frame.fail(node, messages.mixedChoices());
  const named = namedMember(frame, left, right, node) ?? namedMember(frame, right, left, node);
  if (named) return named[0] === poison ? poison : scalars(frame, equal, named[0], named[1], node);
  return scalars(frame, equal, left, right, node);
}

function boolean(expression: Expression): Value {
  return expression.kind === "constant" ? boolConstant(expression.value === true) : runtime(expression);
}

/** Whether there is a value at all. */
export function presence(frame: Frame, value: Value, node: ts.Node): Expression | undefined {
  const at = frame.at(node);
  switch (value.kind) {
    case "undefined":
    case "void":
      return build.bool(false, at);
    case "guarded":
    case "optionalRecord":
      return value.present;
    case "runtime":
      return value.expression.type.kind === "optional" ? build.present(value.expression, at) : build.bool(true, at);
    case "poison":
      return undefined;
    default:
      return build.bool(true, at);
  }
}

/** `a?.b === c` where c is there: present and equal. */
function guarded(
  frame: Frame,
  equal: boolean,
  present: Expression,
  value: RuntimeValue,
  other: Value,
  node: ts.Node,
): Value {
  const at = frame.at(node);
  const isOptional = (one: Value): boolean =>
    one.kind === "guarded" || (one.kind === "runtime" && one.expression.type.kind === "optional");
  if (isOptional(other) || isOptional(value)) {
    const expression = expressionOf(frame, { kind: "guarded", present, value }, node);
    return expression ? equality(frame, equal, runtime(expression), other, node) : poison;
  }
  const inner = equality(frame, equal, value, other, node);
  const test = inner.kind === "poison" ? undefined : expressionOf(frame, inner, node);
  if (!test) return poison;
  const absent = build.not(present, at);
  return boolean(equal ? build.logical("and", present, test, at) : build.logical("or", absent, test, at));
}

/** The answer for values of the compiler; undefined when it takes the kernel to know. */
function compileTime(left: Value, right: Value): boolean | undefined {
  if (left.kind === "string" && right.kind === "string") return left.text === right.text;
  if (left.kind === "constant" && right.kind === "constant") {
    const comparable = (left.type === "bool") === (right.type === "bool");
    return comparable ? left.value === right.value : undefined;
  }
  if (left.kind === "layout" && right.kind === "layout") return left.layout === right.layout;
  if (left.kind === "object" && right.kind === "object") return left === right;
  return undefined;
}

/** Two choices whose names stand for different numbers. */
export function otherNames(left: Value, right: Value): boolean {
  if (left.kind !== "runtime" || right.kind !== "runtime" || !(left.names || right.names)) return false;
  const list = (names: RuntimeValue["names"]): string =>
    names?.map(([name, number]) => `${name}=${number}`).join() ?? "";
  return list(left.names) !== list(right.names);
}

/** A choice and one of its names, as two numbers. */
function namedMember(frame: Frame, choice: Value, name: Value, node: ts.Node): readonly [Value, Value] | undefined {
  if (choice.kind !== "runtime" || !choice.names || name.kind !== "string") return undefined;
  const member = choice.names.find(([one]) => one === name.text);
  if (!member) return [poison, frame.fail(node, messages.unknownMember(name.text))];
  return [runtime(choice.expression), { kind: "constant", type: "number", value: member[1] }];
}

function scalars(frame: Frame, equal: boolean, left: Value, right: Value, node: ts.Node): Value {
  const operator = equal ? "equal" : "notEqual";
  const kinds = [left, right].map((one) =>
    one.kind === "constant" ? constantType(one).kind : one.kind === "runtime" ? one.expression.type.kind : undefined,
  );
  if (kinds.includes("ref")) return frame.fail(node, messages.referenceEquality());
  if (kinds.includes("optional")) return optionals(frame, operator, left, right, node);
  if (kinds.includes("verdict")) return frame.fail(node, messages.unexpectedValue("a number", "a verdict"));
  if (kinds[0] !== "bool" || kinds[1] !== "bool") {
    if (left.kind === "record" || right.kind === "record") return frame.fail(node, messages.referenceEquality());
    if (left.kind === "string" || right.kind === "string") return frame.fail(node, messages.runtimeString());
    return compareIntegers(frame, operator, left, right, node);
  }
  const l = expressionOf(frame, left, node);
  const r = expressionOf(frame, right, node);
  if (!l || !r) return poison;
  const at = frame.at(node);
  if (r.kind === "constant") return boolean((r.value === true) === equal ? l : build.not(l, at));
  if (l.kind === "constant") return boolean((l.value === true) === equal ? r : build.not(r, at));
  return runtime({ kind: "compare", operator, left: l, right: r, type: boolType, at });
}

function optionals(frame: Frame, operator: "equal" | "notEqual", left: Value, right: Value, node: ts.Node): Value {
  const at = frame.at(node);
  const wrap = (value: Value, other: Value): Expression | undefined => {
    const wanted = other.kind === "runtime" ? other.expression.type : undefined;
    const of = wanted?.kind === "optional" ? wanted.of : wanted;
    if (value.kind === "constant" && of && of.kind !== "ref" && of.kind !== "void")
      return build.some(build.constant(of, value.value, at), at);
    const expression = expressionOf(frame, value, node);
    return expression && build.some(expression, at);
  };
  const l = wrap(left, right);
  const r = wrap(right, left);
  if (!l || !r) return poison;
  if (l.type.kind === "optional" && l.type.of.kind === "ref") return frame.fail(node, messages.referenceEquality());
  if (!sameType(l.type, r.type)) return frame.fail(node, messages.mixedIntegers(describe(left), describe(right)));
  return runtime({ kind: "compare", operator, left: l, right: r, type: boolType, at });
}
