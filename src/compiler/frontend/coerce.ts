import type ts from "typescript";
import { messages } from "../diagnostics.ts";
import { sameLayout, sameType } from "../hir/equality.ts";
import type { Layout } from "../hir/layout.ts";
import type { Expression, NewExpression } from "../hir/tree.ts";
import {
  boolType,
  type IntegerName,
  i64Type,
  limitsOf,
  loadedType,
  numberType,
  type OptionalType,
  type RefType,
  refType,
  type ScalarType,
  type Type,
  u64Type,
} from "../hir/types.ts";
import * as build from "./build.ts";
import type { Frame } from "./frame.ts";
import { type ConstantValue, describe, layoutName, type RecordValue, type Value } from "./values.ts";

/** The expression of a value as it is; undefined after an error was reported. */
export function expressionOf(frame: Frame, value: Value, node: ts.Node): Expression | undefined {
  const at = frame.at(node);
  switch (value.kind) {
    case "constant":
      return build.constant(constantType(value), value.value, at);
    case "runtime":
      return value.expression;
    case "guarded":
      return guardedExpression(value.present, value.value.expression, at);
    case "poison":
      return undefined;
    case "string":
      frame.fail(node, messages.runtimeString());
      return undefined;
    case "record":
    case "optionalRecord":
    case "list":
    case "undefined":
    case "void":
      frame.fail(node, messages.unexpectedValue("a value", describe(value)));
      return undefined;
    default:
      frame.fail(node, messages.compileTimeOnly(describe(value)));
      return undefined;
  }
}

function guardedExpression(test: Expression, value: Expression, at: number): Expression {
  const some = build.some(value, at);
  return build.conditional(test, some, build.none(some.type, at), at);
}

export function constantType({ type, value }: ConstantValue): ScalarType {
  switch (type) {
    case "number":
      return numberType;
    case "bool":
      return boolType;
    case "u64":
      return u64Type;
    case "i64":
      return i64Type;
    case "bigint":
      return (value as bigint) < 0n ? i64Type : u64Type;
  }
}

/** The value as a scalar of this type, or optional of it. */
export function toType(frame: Frame, value: Value, type: Type, node: ts.Node): Expression | undefined {
  if (type.kind === "optional") return toOptional(frame, value, type, node);
  if (type.kind === "ref") return toReference(frame, value, type, node);
  if (value.kind === "constant" && type.kind !== "void") return constantOf(frame, value, type, node);
  const expression = expressionOf(frame, value, node);
  if (!expression || sameType(expression.type, type)) return expression;
  mismatch(frame, value, type, node);
  return undefined;
}

function mismatch(frame: Frame, value: Value, type: Type, node: ts.Node): void {
  const got = value.kind === "runtime" ? value.expression.type.kind : value.kind === "constant" ? value.type : "";
  const isInteger = (name: string): boolean => /^(number|bigint|u64|i64)$/.test(name);
  if (type.kind === "verdict") frame.fail(node, messages.notVerdict());
  else if (isInteger(got) && isInteger(type.kind)) frame.fail(node, messages.mixedIntegers(got, type.kind));
  else frame.fail(node, messages.unexpectedValue(typeName(type), describe(value)));
}

function typeName(type: Type): string {
  const names: Readonly<Record<string, string>> = {
    number: "a number",
    u64: "a u64",
    i64: "an i64",
    bool: "a boolean",
  };
  return names[type.kind] ?? (type.kind === "ref" ? `a reference to ${layoutName(type.layout)}` : type.kind);
}

function constantOf(frame: Frame, value: ConstantValue, type: ScalarType, node: ts.Node): Expression | undefined {
  const fits = value.type === type.kind || (value.type === "bigint" && (type.kind === "u64" || type.kind === "i64"));
  if (!fits) {
    mismatch(frame, value, type, node);
    return undefined;
  }
  const limit: IntegerName | undefined = type.kind === "u64" || type.kind === "i64" ? type.kind : undefined;
  if (limit && !constantFits(frame, value, limit, node)) return undefined;
  return build.constant(type, value.value, frame.at(node));
}

/** Reports a constant that an integer cannot hold. */
export function constantFits(frame: Frame, value: ConstantValue, name: IntegerName, node: ts.Node): boolean {
  const [low, high] = limitsOf(name);
  if (typeof value.value === "boolean" || (value.value >= low && value.value <= high)) return true;
  frame.fail(node, messages.constantRange(String(value.value), name));
  return false;
}

function toOptional(frame: Frame, value: Value, type: OptionalType, node: ts.Node): Expression | undefined {
  const at = frame.at(node);
  if (value.kind === "undefined") return build.none(type, at);
  if (value.kind === "guarded") {
    const inner = toOptional(frame, value.value, type, node);
    return inner && build.conditional(value.present, inner, build.none(type, at), at);
  }
  if (value.kind === "runtime" && value.expression.type.kind === "optional") {
    if (sameType(value.expression.type, type)) return value.expression;
    frame.fail(node, messages.unexpectedValue(typeName(type.of), describe(value)));
    return undefined;
  }
  const inner = toType(frame, value, type.of, node);
  return inner && build.some(inner, at);
}

function toReference(frame: Frame, value: Value, type: RefType, node: ts.Node): Expression | undefined {
  const expression = toLayout(frame, value, type.layout, node);
  if (!expression) return undefined;
  if (sameType(expression.type, type)) return expression;
  frame.fail(node, messages.differentShapes(describe(value), typeName(type)));
  return undefined;
}

/** What a place of this layout is written with: a scalar, or a reference to a value of the same layout. */
export function toLayout(frame: Frame, value: Value, layout: Layout, node: ts.Node): Expression | undefined {
  const scalar = loadedType(layout);
  if (scalar) {
    const name = layoutInteger(layout);
    if (value.kind === "constant" && name && !constantFits(frame, value, name, node)) return undefined;
    return toType(frame, value, scalar, node);
  }
  if (value.kind === "record") return newStruct(frame, value, layout, node);
  if (value.kind === "list") return newArray(frame, value.items, layout, node);
  const expression = expressionOf(frame, value, node);
  if (!expression) return undefined;
  if (expression.type.kind !== "ref") {
    frame.fail(node, messages.unexpectedValue(`a value of ${layoutName(layout)}`, describe(value)));
    return undefined;
  }
  if (sameLayout(expression.type.layout, layout))
    return expression.type.region === "kernel" ? copiedText(frame, expression, node) : expression;
  frame.fail(node, messages.layoutMismatch(layoutName(expression.type.layout), layoutName(layout)));
  return undefined;
}

/** Bytes of the kernel are names: they are copied up to their zero, and what follows is zero in the copy. */
function copiedText(frame: Frame, source: Expression, node: ts.Node): Expression | undefined {
  const at = frame.at(node);
  const layout = source.type.kind === "ref" ? source.type.layout : undefined;
  if (layout?.kind !== "bytes") {
    frame.fail(node, messages.unexpectedValue("a value of this program", "a kernel object"));
    return undefined;
  }
  const empty: NewExpression = { kind: "new", fields: [], type: refType("local", layout), at };
  const text = frame.emitter.let("text", empty, at);
  const address = build.operation("kernel.address", [source], u64Type, at);
  const value = build.operation("kernel.readString", [text, address], numberType, at);
  frame.emitter.emit({ kind: "expression", value, at });
  return text;
}

/** The integer that a place holds, for constants. */
function layoutInteger(layout: Layout): IntegerName | undefined {
  if (layout.kind !== "integer") return undefined;
  return `${layout.signed ? "i" : "u"}${layout.bits}` as IntegerName;
}

function newStruct(frame: Frame, value: RecordValue, layout: Layout, node: ts.Node): Expression | undefined {
  if (layout.kind !== "struct" && layout.kind !== "union") {
    frame.fail(node, messages.unexpectedValue(`a value of ${layoutName(layout)}`, describe(value)));
    return undefined;
  }
  const fields: NewExpression["fields"][number][] = [];
  for (const [name, member] of value.members) {
    const index = layout.fields.findIndex((one) => one.name === name);
    if (index < 0) continue;
    const part = toLayout(frame, member, layout.fields[index]!.layout, node);
    if (!part) return undefined;
    fields.push(...flattened([index], part));
  }
  return { kind: "new", fields, type: refType("local", layout), at: frame.at(node) };
}

/** An object literal inside of another one needs no storage of its own. */
function flattened(path: readonly number[], part: Expression): readonly NewExpression["fields"][number][] {
  if (part.kind !== "new") return [{ path, value: part }];
  return part.fields.map((inner) => ({ path: [...path, ...inner.path], value: inner.value }));
}

function newArray(frame: Frame, items: readonly Value[], layout: Layout, node: ts.Node): Expression | undefined {
  const element = build.elementLayout(layout);
  if (!element || (layout.kind !== "array" && layout.kind !== "bytes") || items.length > layout.length) {
    frame.fail(node, messages.unexpectedValue(`a value of ${layoutName(layout)}`, `a list of ${items.length}`));
    return undefined;
  }
  const fields: NewExpression["fields"][number][] = [];
  for (const [index, item] of items.entries()) {
    const part = toLayout(frame, item, element, node);
    if (!part) return undefined;
    fields.push(...flattened([index], part));
  }
  return { kind: "new", fields, type: refType("local", layout), at: frame.at(node) };
}
