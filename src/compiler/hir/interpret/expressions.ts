import { evaluateBinary, evaluateCompare, evaluateUnary, type IntegerKind, isNumber, wrapTo } from "../arithmetic.ts";
import { isScalar, sizeOf } from "../layout.ts";
import type { Position } from "../position.ts";
import type { SettingValues } from "../settings.ts";
import { formatParts } from "../settings-tree.ts";
import type {
  CompareExpression,
  ConvertExpression,
  Expression,
  KernelFieldExpression,
  NewExpression,
  SettingDeclaration,
  SettingExpression,
  SettingType,
  SettingValue,
} from "../tree.ts";
import type { Type } from "../types.ts";
import type { Machine } from "./machine.ts";
import { firstMatch } from "./match.ts";
import { partOf, readScalar, writeScalar } from "./memory.ts";
import { runOperation } from "./operations.ts";
import { copyBytes, fitting, runBody } from "./statements.ts";
import { InterpreterTrap } from "./trap.ts";
import {
  asBoolean,
  asInteger,
  asMemory,
  asReference,
  type MemoryReference,
  referenceToBytes,
  type Value,
} from "./values.ts";

type Rules = {
  readonly [K in Expression["kind"]]: (node: Extract<Expression, { readonly kind: K }>, machine: Machine) => Value;
};

export function evaluate(node: Expression, machine: Machine): Value {
  const value = (rules[node.kind] as (node: Expression, machine: Machine) => Value)(node, machine);
  machine.input.observe?.(node, value);
  return value;
}

const rules: Rules = {
  constant: (node) => node.value,
  local: (node, machine) => machine.readLocal(node.local, node.at),
  setting: (node, machine) => settingValue(machine.module.settings, machine.settings, node),
  load(node, machine) {
    const ref = asMemory(evaluate(node.ref, machine), node.at);
    if (!isScalar(ref.layout)) throw new InterpreterTrap("a load of an aggregate", node.at);
    return readScalar(ref.storage.bytes, ref.offset, ref.layout);
  },
  field(node, machine) {
    return part(asMemory(evaluate(node.base, machine), node.at), node.field);
  },
  element(node, machine) {
    const base = asMemory(evaluate(node.base, machine), node.at);
    const index = asInteger(evaluate(node.index, machine), node.at);
    const length = base.layout.kind === "array" || base.layout.kind === "bytes" ? base.layout.length : 0;
    if (index < 0n || index >= BigInt(length)) throw new InterpreterTrap(`index ${index} of ${length}`, node.at);
    return part(base, Number(index));
  },
  kernelField,
  unary(node, machine) {
    const value = evaluate(node.value, machine);
    if (node.operator === "not") return !asBoolean(value, node.at);
    const kind = node.type.kind as IntegerKind;
    return exact(kind, evaluateUnary(node.operator, kind, asInteger(value, node.at)), node.at);
  },
  binary(node, machine) {
    const left = asInteger(evaluate(node.left, machine), node.at);
    const right = asInteger(evaluate(node.right, machine), node.at);
    const kind = node.type.kind as IntegerKind;
    const result = evaluateBinary(node.operator, kind, left, right);
    if (result === undefined) throw new InterpreterTrap(`a shift by ${right}`, node.at);
    return exact(kind, result, node.at);
  },
  compare(node, machine) {
    return compare(node, evaluate(node.left, machine), evaluate(node.right, machine));
  },
  logical(node, machine) {
    const left = asBoolean(evaluate(node.left, machine), node.at);
    if (node.operator === "and" ? !left : left) return left;
    return asBoolean(evaluate(node.right, machine), node.at);
  },
  convert: (node, machine) => convert(node, evaluate(node.value, machine)),
  conditional(node, machine) {
    return evaluate(asBoolean(evaluate(node.test, machine), node.at) ? node.then : node.otherwise, machine);
  },
  some: (node, machine) => evaluate(node.value, machine),
  none: () => undefined,
  present(node, machine) {
    const value = evaluate(node.value, machine);
    if (typeof value === "object" && "kind" in value && value.kind === "memory") asMemory(value, node.at);
    return value !== undefined;
  },
  unwrap(node, machine) {
    const value = evaluate(node.value, machine);
    if (value === undefined) throw new InterpreterTrap("an absent value is used", node.at);
    return value;
  },
  new: newStorage,
  sequence(node, machine) {
    const done = runBody(node.body, machine);
    if (done) throw new InterpreterTrap("a jump out of an expression", node.at);
    return evaluate(node.value, machine);
  },
  operation: (node, machine) => runOperation(node, machine),
  match: (node, machine) => firstMatch(node, machine),
};

function exact(kind: IntegerKind, value: bigint, at: Position): bigint {
  if (kind === "number" && !isNumber(value)) throw new InterpreterTrap(`${value} is beyond 64 bits`, at);
  return value;
}

function part(base: MemoryReference, step: number): MemoryReference {
  const { offset, layout } = partOf(base.layout, step);
  return { ...base, offset: base.offset + offset, layout };
}

function compare(node: CompareExpression, left: Value, right: Value): boolean {
  if (left === undefined || right === undefined)
    return evaluateCompare(node.operator, left === undefined, right === undefined);
  if (typeof left === "boolean") return evaluateCompare(node.operator, left, asBoolean(right, node.at));
  return evaluateCompare(node.operator, asInteger(left, node.at), asInteger(right, node.at));
}

function convert(node: ConvertExpression, value: Value): Value {
  const number = typeof value === "boolean" ? BigInt(value) : asInteger(value, node.at);
  if (node.to === "bool") return number !== 0n;
  return node.to === "number" ? exact("number", number, node.at) : wrapTo(node.to, number);
}

function newStorage(node: NewExpression, machine: Machine): Value {
  const storage = referenceToBytes("local", new Uint8Array(sizeOf(node.type.layout)), node.type.layout);
  for (const field of node.fields) {
    const value = evaluate(field.value, machine);
    const place = field.path.reduce(part, storage);
    if (isScalar(place.layout))
      writeScalar(storage.storage.bytes, place.offset, place.layout, fitting(place.layout, value, node.at));
    else copyBytes(place, asMemory(value, node.at));
  }
  return storage;
}

function kernelField(node: KernelFieldExpression, machine: Machine): Value {
  const base = asReference(evaluate(node.base, machine), node.at);
  const object = base.kind === "object" ? base.object : base.storage.bytes;
  const kernel = machine.kernel(node.at);
  const found = kernel.field(object, node.struct, node.path);
  const { type } = node;
  const target = type.kind === "optional" ? type.of : type;
  if (target.kind === "ref") return kernelReference(type, found, node.at);
  if (typeof found === "object") return kernel.address(found);
  if (target.kind === "bool") return Boolean(found);
  const value = BigInt((found ?? 0) as bigint | number | boolean);
  return wrapTo(node.width ?? (target.kind === "u64" ? "u64" : "i64"), value);
}

function kernelReference(type: Type, found: unknown, at: Position): Value {
  const target = type.kind === "optional" ? type.of : type;
  if (found === undefined && type.kind === "optional") return undefined;
  if (found === undefined || target.kind !== "ref") throw new InterpreterTrap("a null kernel pointer", at);
  return { kind: "object", region: "kernel", object: found, layout: target.layout };
}

/** The scalar that a setting is in this configuration, as a program sees it. */
export function settingValue(
  declarations: readonly SettingDeclaration[],
  values: SettingValues,
  node: SettingExpression,
): bigint | boolean {
  const [first = "", ...rest] = node.path;
  let type: SettingType | undefined = declarations.find((one) => one.name === first)?.type;
  let value: SettingValue | undefined = values[first];
  for (const step of rest) {
    if (type?.kind === "formatted") return formattedPart(type, value, step);
    type = type?.kind === "struct" ? type.fields.find((field) => field.name === step)?.type : undefined;
    value = isRecord(value) ? value[step] : undefined;
  }
  return scalarOf(type, value);
}

/** A plain field of a rule; undefined when the list has no rule of that index. */
export function ruleFieldValue(
  declarations: readonly SettingDeclaration[],
  values: SettingValues,
  place: { readonly setting: number; readonly field: number; readonly rule: number },
): bigint | boolean | undefined {
  const declaration = declarations[place.setting];
  const element = declaration?.type.kind === "list" ? declaration.type.element : undefined;
  const field = element?.kind === "struct" ? element.fields[place.field] : undefined;
  const rule = (values[declaration?.name ?? ""] as readonly SettingValue[] | undefined)?.[place.rule];
  return field && isRecord(rule) ? scalarOf(field.type, rule[field.name]) : undefined;
}

function scalarOf(type: SettingType | undefined, value: SettingValue | undefined): bigint | boolean {
  if (type?.kind === "enum") return type.members.find(([name]) => name === value)?.[1] ?? 0n;
  return typeof value === "bigint" || typeof value === "boolean" ? value : 0n;
}

function isRecord(value: SettingValue | undefined): value is { readonly [name: string]: SettingValue } {
  return typeof value === "object" && !Array.isArray(value);
}

function formattedPart(
  type: SettingType & { kind: "formatted" },
  value: SettingValue | undefined,
  step: string,
): bigint {
  const block = isRecord(value) ? value : { address: value ?? 0n, length: 0n };
  const address = block["address"] as bigint;
  if (step === "length") return block["length"] as bigint;
  if (step === "high") return address >> 64n;
  if (step === "low" && "low" in formatParts[type.format]) return BigInt.asUintN(64, address);
  return address;
}
