import { alignOf, type Field, type IntegerLayout, type Layout, type StructLayout, sizeOf } from "./layout.ts";
import { tagProtocols } from "./tag-protocols.ts";
import type {
  BinaryOperator,
  Callback,
  CallbackKind,
  CompareOperator,
  ConvertExpression,
  Expression,
  Local,
  MapDeclaration,
  Module,
  OperationExpression,
  Program,
  Statement,
} from "./tree.ts";
import { hirVersion } from "./tree.ts";
import {
  boolType,
  type IntegerName,
  i64Type,
  loadedType,
  type NarrowInteger,
  numberType,
  optionalType,
  type RefType,
  type Region,
  refType,
  type ScalarType,
  type Type,
  u64Type,
  verdictType,
} from "./types.ts";

/**
 * Functions that make HIR by hand: for tests, generators and code that adds to a program. Types follow from operands;
 * `verifyModule` says whether the result is well formed. Every node is at position 0 unless `placed` moves it.
 */

// --------------------------------------------------------------------------------------------------------- layouts

export function integer(bits: 8 | 16 | 32 | 64, order: "native" | "big" = "native", signed = false): IntegerLayout {
  return { kind: "integer", bits, signed, order };
}

/** A struct with natural alignment, as C lays it out. */
export function struct(name: string, fields: Readonly<Record<string, Layout>>): StructLayout {
  let offset = 0;
  let align = 1;
  const placed: Field[] = Object.entries(fields).map(([field, layout]) => {
    align = Math.max(align, alignOf(layout));
    offset = roundUp(offset, alignOf(layout));
    const at = offset;
    offset += sizeOf(layout);
    return { name: field, offset: at, layout };
  });
  return { kind: "struct", name, size: roundUp(offset, align), align, fields: placed };
}

function roundUp(value: number, align: number): number {
  return Math.ceil(value / align) * align;
}

// ----------------------------------------------------------------------------------------------------- expressions

const at = 0;

/** The same node at another position. */
export function placed<T extends { readonly at: number }>(node: T, position: number): T {
  return { ...node, at: position };
}

export function number(value: bigint | number): Expression {
  return { kind: "constant", type: numberType, value: BigInt(value), at };
}

export function wide(value: bigint | number, type: "u64" | "i64" = "u64"): Expression {
  return { kind: "constant", type: type === "u64" ? u64Type : i64Type, value: BigInt(value), at };
}

export function bool(value: boolean): Expression {
  return { kind: "constant", type: boolType, value, at };
}

export function binary(operator: BinaryOperator, left: Expression, right: Expression): Expression {
  return { kind: "binary", operator, left, right, type: left.type as ScalarType, at };
}

export const add = (left: Expression, right: Expression): Expression => binary("add", left, right);

export function compare(operator: CompareOperator, left: Expression, right: Expression): Expression {
  return { kind: "compare", operator, left, right, type: boolType, at };
}

export function not(value: Expression): Expression {
  return { kind: "unary", operator: "not", value, type: boolType, at };
}

export function negate(value: Expression): Expression {
  return { kind: "unary", operator: "negate", value, type: value.type as ScalarType, at };
}

export function bitNot(value: Expression): Expression {
  return { kind: "unary", operator: "bitNot", value, type: value.type as ScalarType, at };
}

export function both(left: Expression, right: Expression): Expression {
  return { kind: "logical", operator: "and", left, right, type: boolType, at };
}

export function oneOf(left: Expression, right: Expression): Expression {
  return { kind: "logical", operator: "or", left, right, type: boolType, at };
}

export function convert(to: ConvertExpression["to"], value: Expression): Expression {
  return { kind: "convert", to, value, type: convertedType(to), at };
}

function convertedType(to: ConvertExpression["to"]): ScalarType {
  if (to === "u64") return u64Type;
  if (to === "i64") return i64Type;
  return to === "bool" ? boolType : numberType;
}

export function conditional(test: Expression, yes: Expression, no: Expression): Expression {
  return { kind: "conditional", test, then: yes, otherwise: no, type: yes.type, at };
}

export function some(value: Expression): Expression {
  return { kind: "some", value, type: optionalType(value.type as ScalarType | RefType), at };
}

export function none(of: ScalarType | RefType): Expression {
  return { kind: "none", type: optionalType(of), at };
}

export function optionalRef(region: Region, layout: Layout): Type {
  return optionalType(refType(region, layout));
}

export function present(value: Expression): Expression {
  return { kind: "present", value, type: boolType, at };
}

export function unwrap(value: Expression): Expression {
  const { type } = value;
  return { kind: "unwrap", value, type: type.kind === "optional" ? type.of : type, at };
}

export function load(ref: Expression): Expression {
  return { kind: "load", ref, type: loadedType(layoutOf(ref)) ?? numberType, at };
}

function layoutOf(ref: Expression): Layout {
  if (ref.type.kind !== "ref") throw new Error(`a reference was expected, got ${ref.type.kind}`);
  return ref.type.layout;
}

function regionOf(ref: Expression): Region {
  return ref.type.kind === "ref" ? ref.type.region : "local";
}

/** The reference to a field, by its name. */
export function field(base: Expression, name: string): Expression {
  const layout = layoutOf(base);
  const fields = layout.kind === "struct" || layout.kind === "union" ? layout.fields : [];
  const index = fields.findIndex((one) => one.name === name);
  if (index < 0) throw new Error(`no field "${name}"`);
  return { kind: "field", base, field: index, type: refType(regionOf(base), fields[index]!.layout), at };
}

export function element(base: Expression, index: Expression): Expression {
  const layout = layoutOf(base);
  const part = layout.kind === "array" ? layout.element : integer(8);
  return { kind: "element", base, index, type: refType(regionOf(base), part), at };
}

export function newStruct(
  layout: Layout,
  fields: readonly { readonly path: readonly number[]; readonly value: Expression }[] = [],
): Expression {
  return { kind: "new", fields, type: refType("local", layout), at };
}

export function sequence(body: readonly Statement[], value: Expression): Expression {
  return { kind: "sequence", body, value, type: value.type, at };
}

export function setting(path: readonly string[], type: ScalarType = numberType, width?: IntegerName): Expression {
  return { kind: "setting", path, type, at, ...(width ? { width } : {}) };
}

export function operation(
  name: string,
  args: readonly Expression[],
  type: Type,
  more: Partial<Pick<OperationExpression, "map" | "layout" | "constants">> = {},
): Expression {
  return { kind: "operation", operation: name, args, type, at, ...more };
}

export const pass = (): Expression => operation("verdict.pass", [], verdictType);
export const drop = (): Expression => operation("verdict.drop", [], verdictType);
export const packetLength = (): Expression => operation("packet.length", [], numberType);

/** Puts an 802.1Q tag in front, or one of another protocol. */
export function pushVlan(control: Expression, protocol: number = tagProtocols.customer): Expression {
  return operation("packet.pushVlan", [control], boolType, { constants: [protocol] });
}

export function packetAt(offset: Expression, layout: Layout): Expression {
  return operation("packet.at", [offset], optionalType(refType("packet", layout)), { layout });
}

// ------------------------------------------------------------------------------------------------------ statements

export function assign(local: number, value: Expression): Statement {
  return { kind: "assign", local, value, at };
}

export function store(target: Expression, value: Expression): Statement {
  return { kind: "store", target, value, at };
}

export function copy(target: Expression, source: Expression): Statement {
  return { kind: "copy", target, source, at };
}

export function evaluate(value: Expression): Statement {
  return { kind: "expression", value, at };
}

export function when(test: Expression, yes: readonly Statement[], no: readonly Statement[] = []): Statement {
  return { kind: "if", test, then: yes, otherwise: no, at };
}

export function loop(
  counter: number,
  from: Expression,
  to: Expression,
  body: readonly Statement[],
  options: { readonly step?: number; readonly label?: number } = {},
): Statement {
  return {
    kind: "for",
    label: options.label ?? 1000 + counter,
    local: counter,
    from,
    to,
    step: options.step ?? 1,
    body,
    at,
  };
}

export function block(label: number, body: readonly Statement[]): Statement {
  return { kind: "block", label, body, at };
}

export function choose(
  label: number,
  value: Expression,
  cases: readonly { readonly values: readonly bigint[]; readonly body: readonly Statement[] }[],
  otherwise: readonly Statement[] = [],
): Statement {
  return { kind: "switch", label, value, cases, otherwise, at };
}

export function lock(lock: Expression, body: readonly Statement[]): Statement {
  return { kind: "lock", lock, body, at };
}

export const leave = (label: number): Statement => ({ kind: "break", label, at });
export const next = (label: number): Statement => ({ kind: "continue", label, at });

export function giveBack(value?: Expression): Statement {
  return value ? { kind: "return", value, at } : { kind: "return", at };
}

// --------------------------------------------------------------------------------------------- programs and modules

/** Declares locals while a program's body is made. */
export class Locals {
  readonly all: Local[] = [];

  declare(name: string, type: Type, width?: NarrowInteger): number {
    return this.all.push({ name, type, at, ...(width ? { width } : {}) }) - 1;
  }

  use(local: number): Expression {
    return { kind: "local", local, type: this.all[local]!.type, at };
  }

  /** A new local that starts as zero, false or absent. */
  empty(name: string, type: Type, width?: NarrowInteger): [statement: Statement, local: number] {
    const local = this.declare(name, type, width);
    return [{ kind: "let", local, at }, local];
  }

  /** A new local with its first value: the statement, the local and a way to read it. */
  let(name: string, value: Expression, width?: NarrowInteger): [statement: Statement, local: number] {
    const local = this.declare(name, value.type, width);
    return [{ kind: "let", local, value, at }, local];
  }
}

export function program(
  make: (locals: Locals) => readonly Statement[],
  options: Partial<Pick<Program, "name" | "kind" | "target">> = {},
): Program {
  const locals = new Locals();
  const body = make(locals);
  const { name = "main", kind = "packet", target } = options;
  return { name, kind, locals: locals.all, body, at, ...(target ? { target } : {}) };
}

/** A callback of a map; `make` gets the references to the key and the value. */
export function callback(
  kind: CallbackKind,
  of: { readonly map: number; readonly key: Layout; readonly value: Layout },
  make: (key: Expression, value: Expression, locals: Locals) => readonly Statement[],
): Callback {
  const locals = new Locals();
  const key = locals.declare("key", refType("constant", of.key));
  const value = locals.declare("value", refType("map", of.value));
  const body = make(locals.use(key), locals.use(value), locals);
  return { name: `map${of.map}_${kind}`, kind, map: of.map, locals: locals.all, body, at };
}

export function module(
  programs: readonly Program[],
  options: Partial<Pick<Module, "maps" | "settings" | "callbacks">> = {},
): Module {
  return {
    version: hirVersion,
    name: "module",
    sources: [{ path: "module.ts", text: "" }],
    maps: options.maps ?? [],
    settings: options.settings ?? [],
    programs,
    callbacks: options.callbacks ?? [],
  };
}

export function map(kind: MapDeclaration["kind"], options: Partial<Omit<MapDeclaration, "kind">> = {}): MapDeclaration {
  return { name: "map", kind, maxEntries: 16, flags: 0, at, ...options };
}
