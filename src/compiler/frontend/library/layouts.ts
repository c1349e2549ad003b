import type ts from "typescript";
import { messages } from "../../diagnostics.ts";
import { sameLayout } from "../../hir/equality.ts";
import { type Layout, sizeOf } from "../../hir/layout.ts";
import { boolType, refType } from "../../hir/types.ts";
import * as build from "../build.ts";
import { type expressionOf, toLayout } from "../coerce.ts";
import { evaluate } from "../expressions/evaluate.ts";
import type { Frame } from "../frame.ts";
import { hasPadding, type NamedLayout, structLayout, unionLayout } from "../struct-layout.ts";
import {
  builtin,
  describe,
  type LayoutValue,
  layoutName,
  numberConstant,
  poison,
  runtime,
  type Value,
} from "../values.ts";
import { constantNumber, constantText, options, values } from "./arguments.ts";
import type { Library } from "./index.ts";
import { settingMember } from "./setting-types.ts";

export const layoutLibrary: Library = {
  struct: () => builtin("struct", (frame, call) => aggregate(frame, call, "struct")),
  union: () => builtin("union", (frame, call) => aggregate(frame, call, "union")),
  bytes: () => builtin("bytes", bytesCall),
  array: () => builtin("array", arrayCall),
  bits: () => builtin("bits", bitsCall),
  enumeration: () => builtin("enumeration", enumerationCall),
  spinLock: () => ({ kind: "layout", layout: { kind: "opaque", what: "spinLock" }, name: "spinLock" }),
  timer: () => ({ kind: "layout", layout: { kind: "opaque", what: "timer" }, name: "timer" }),
  offsetOf: () => builtin("offsetOf", offsetOfCall),
  equal: () => builtin("equal", equalCall),
};

/** `Layout.size` and what settings add: `u16.default(...)`. */
export function layoutMember(frame: Frame, value: LayoutValue, name: string, node: ts.Node): Value {
  const member = value.members?.get(name);
  if (member !== undefined) return numberConstant(member);
  if (name === "size") return numberConstant(sizeOf(value.layout));
  return settingMember(value, name) ?? frame.fail(node, messages.unknownMember(name));
}

/** The layout that a value is, where one is asked for. */
export function layoutOf(frame: Frame, value: Value | undefined, node: ts.Node): Layout | undefined {
  if (value?.kind === "layout") return value.layout;
  if (value && value.kind !== "poison") frame.fail(node, messages.unexpectedValue("a layout", describe(value)));
  return undefined;
}

function aggregate(frame: Frame, call: ts.CallExpression, kind: "struct" | "union"): Value {
  const argument = call.arguments[0];
  const fields = argument && options(frame, evaluate(frame, argument), argument);
  if (!fields) return poison;
  const named: NamedLayout[] = [];
  for (const [name, value] of fields.members) {
    const layout = layoutOf(frame, value, call);
    if (!layout) return poison;
    named.push({ name, layout });
  }
  const name = frame.state.hint || "anonymous";
  const made = kind === "struct" ? structLayout(name, named) : unionLayout(name, named);
  if (typeof made === "string") return frame.fail(call, messages.badLayout(made));
  return { kind: "layout", layout: uniquelyNamed(frame, made), name };
}

/** Two declarations of one name are two types: the second one gets another name. */
function uniquelyNamed<L extends Layout & { readonly name: string }>(frame: Frame, layout: L): L {
  const { layouts } = frame.session;
  const others = layouts.get(layout.name) ?? [];
  layouts.set(layout.name, others);
  for (const [index, other] of others.entries()) {
    const candidate = { ...layout, name: index === 0 ? layout.name : `${layout.name}_${index + 1}` };
    if (sameLayout(other, candidate)) return other as L;
  }
  const own = others.length === 0 ? layout : { ...layout, name: `${layout.name}_${others.length + 1}` };
  others.push(own);
  return own;
}

function bytesCall(frame: Frame, call: ts.CallExpression): Value {
  const [value] = values(frame, call) ?? [];
  const length = value && constantNumber(frame, value, "the length of bytes", call);
  if (length === undefined) return poison;
  if (!validLength(length)) return frame.fail(call, messages.badLayout(`bytes(${length})`));
  return { kind: "layout", layout: { kind: "bytes", length }, name: `bytes(${length})` };
}

/** Larger values do not fit into a map (KMALLOC_MAX_SIZE). */
function validLength(length: number): boolean {
  return length >= 1 && length <= 2 ** 22;
}

function arrayCall(frame: Frame, call: ts.CallExpression): Value {
  const [of, count] = values(frame, call) ?? [];
  const element = of && layoutOf(frame, of, call);
  const length = count && constantNumber(frame, count, "the length of an array", call);
  if (!element || length === undefined) return poison;
  if (element.kind === "bits" || element.kind === "opaque" || !validLength(length * sizeOf(element)))
    return frame.fail(call, messages.badLayout(`array(${layoutName(element)}, ${length})`));
  return { kind: "layout", layout: { kind: "array", element, length }, name: `array(${length})` };
}

function bitsCall(frame: Frame, call: ts.CallExpression): Value {
  const [unit, count] = values(frame, call) ?? [];
  const layout = unit && layoutOf(frame, unit, call);
  const width = count && constantNumber(frame, count, "the width of a bit field", call);
  if (!layout || width === undefined) return poison;
  if (layout.kind !== "integer" || layout.signed || width < 1 || width > layout.bits)
    return frame.fail(call, messages.badLayout(`bits of ${layoutName(layout)} with width ${width}`));
  const { bits, order } = layout;
  return { kind: "layout", layout: { kind: "bits", bits, order, shift: 0, width }, name: `bits(${width})` };
}

function enumerationCall(frame: Frame, call: ts.CallExpression): Value {
  const [scalar, given] = values(frame, call) ?? [];
  const names = given && options(frame, given, call);
  if (scalar?.kind !== "layout" || scalar.layout.kind !== "integer" || !names) return poison;
  const members = new Map<string, bigint>();
  for (const [name, value] of names.members) {
    const number = constantNumber(frame, value, `"${name}"`, call);
    if (number === undefined) return poison;
    members.set(name, BigInt(number));
  }
  return { ...scalar, members };
}

function offsetOfCall(frame: Frame, call: ts.CallExpression): Value {
  const [of, name] = values(frame, call) ?? [];
  const layout = of && layoutOf(frame, of, call);
  const text = name && constantText(frame, name, "the name of a field", call);
  if (!layout || text === undefined) return poison;
  const field = "fields" in layout ? layout.fields.find((one) => one.name === text) : undefined;
  return field ? numberConstant(field.offset) : frame.fail(call, messages.unknownMember(text));
}

/** `Key({ ... })`: new storage of this layout. */
export function newValue(frame: Frame, callee: LayoutValue, call: ts.CallExpression): Value {
  const at = frame.at(call);
  const { layout } = callee;
  if (layout.kind === "opaque" || layout.kind === "bits")
    return frame.fail(call, messages.unexpectedValue("a struct's layout", callee.name));
  const argument = call.arguments[0];
  if (!argument) return runtime({ kind: "new", fields: [], type: refType("local", layout), at });
  const given = toLayout(frame, evaluate(frame, argument), layout, argument);
  if (!given) return poison;
  if (given.kind === "new") return runtime(given);
  return runtime({ kind: "new", fields: partsOf(given, layout, at), type: refType("local", layout), at });
}

/** A copy of a whole value, part by part. */
function partsOf(source: ReturnType<typeof expressionOf> & {}, layout: Layout, at: number) {
  if (layout.kind === "struct")
    return layout.fields.map((field, index) => ({
      path: [index],
      value: build.loadOrRef(build.field(source, index, field.layout, at), at),
    }));
  const element = build.elementLayout(layout);
  const length = layout.kind === "bytes" || layout.kind === "array" ? layout.length : 0;
  return Array.from({ length }, (_, index) => ({
    path: [index],
    value: build.loadOrRef(build.element(source, build.numberLiteral(index, at), element!, at), at),
  }));
}

function equalCall(frame: Frame, call: ts.CallExpression): Value {
  const [left, right] = values(frame, call) ?? [];
  if (!left || !right) return poison;
  const layout = referenced(left) ?? referenced(right);
  if (!layout) return frame.fail(call, messages.unplacedStruct());
  const l = toLayout(frame, left, layout, call);
  const r = toLayout(frame, right, layout, call);
  if (!l || !r) return poison;
  const padding = hasPadding(layout);
  if (padding) return frame.fail(call, messages.badLayout(`equal would compare the padding ${padding}`));
  return runtime(build.operation("bytes.equal", [l, r], boolType, frame.at(call)));
}

function referenced(value: Value): Layout | undefined {
  const type = value.kind === "runtime" ? value.expression.type : undefined;
  return type?.kind === "ref" ? type.layout : undefined;
}
