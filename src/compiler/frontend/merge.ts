import type ts from "typescript";
import { messages } from "../diagnostics.ts";
import { sameLayout } from "../hir/equality.ts";
import type { Expression, Statement } from "../hir/tree.ts";
import { boolType, type NarrowInteger, optionalType, type RefType, type ScalarType, type Type } from "../hir/types.ts";
import * as build from "./build.ts";
import { constantType, toType } from "./coerce.ts";
import { otherNames } from "./equality.ts";
import type { Frame } from "./frame.ts";
import { describe, poison, type RecordValue, runtime, undefinedValue, type Value, voidValue } from "./values.ts";

/** One of several ways to a value. */
export interface Branch {
  readonly value: Value;
  /** The statements of this way; what sets the common variables is put here. */
  readonly statements: Statement[];
  /** Where in `statements`; at the end when absent. */
  readonly before?: Statement;
  readonly node: ts.Node;
}

export interface MergeOptions {
  readonly name: string;
  readonly width?: NarrowInteger | undefined;
  /** Where the common variables are declared: before all of the ways. */
  readonly declarations: Statement[];
}

/** The one value that several ways lead to: common variables that each way sets. */
export function merge(frame: Frame, branches: readonly Branch[], options: MergeOptions, node: ts.Node): Value {
  const values = branches.map((branch) => branch.value);
  if (values.length === 0) return voidValue;
  if (values.some((value) => value.kind === "poison")) return poison;
  const first = values[0]!;
  if (values.every((value) => isSame(value, first))) return first;
  const fixed = values.find((value) => value.kind === "optionalRecord" && value.record.kind === "object");
  if (fixed) return frame.fail(node, messages.compileTimeOnly("what match found"));
  const there = values.filter((value) => value.kind !== "undefined" && value.kind !== "void");
  if (there.every((value) => value.kind === "record" || value.kind === "optionalRecord"))
    return mergeRecords(frame, branches, options, node);
  return mergeScalars(frame, branches, there, options, node);
}

function isSame(left: Value, right: Value): boolean {
  // A run-time value may be a local of the block that is left.
  const compileTime = /^(function|builtin|layout|object|string)$/.test(left.kind);
  if (compileTime && left === right) return true;
  if (left.kind === "constant" && right.kind === "constant")
    return left.value === right.value && left.type === right.type && typeof left.value !== "boolean";
  return (left.kind === "undefined" || left.kind === "void") && left.kind === right.kind;
}

/** What a variable for all of the values has to be; `of` is what it is when it is there. */
interface Joined {
  readonly of: ScalarType | RefType;
  readonly optional: boolean;
}

function mergeScalars(
  frame: Frame,
  branches: readonly Branch[],
  there: readonly Value[],
  options: MergeOptions,
  node: ts.Node,
): Value {
  let joined: Joined | undefined;
  for (const value of there) {
    const one = shapeOf(value);
    if (!one)
      return frame.fail(
        node,
        value.kind === "string" ? messages.runtimeString() : messages.compileTimeOnly(describe(value)),
      );
    if (there.some((other) => otherNames(other, value))) return frame.fail(node, messages.mixedChoices());
    const both = joined ? join(joined, one, value) : one;
    if (!both) return frame.fail(node, messages.differentShapes(describe(there[0]!), describe(value)));
    joined = both;
  }
  const { of, optional } = joined!;
  const absent = optional || there.length < branches.length;
  const type: Type = absent || of.kind === "ref" ? optionalType(of) : of;
  const local = assignAll(frame, branches, type, options, node);
  // A reference that every way sets is there.
  const result = absent ? local : build.unwrap(local, frame.at(node));
  return { ...there.find((value) => value.kind === "runtime"), ...runtime(result) };
}

function shapeOf(value: Value): Joined | undefined {
  if (value.kind === "constant") return { of: constantType(value), optional: false };
  if (value.kind === "guarded") {
    const inner = shapeOf(value.value);
    return inner && { of: inner.of, optional: true };
  }
  if (value.kind !== "runtime") return undefined;
  const { type } = value.expression;
  if (type.kind === "void") return undefined;
  return type.kind === "optional" ? { of: type.of, optional: true } : { of: type, optional: false };
}

function join(left: Joined, right: Joined, value: Value): Joined | undefined {
  const optional = left.optional || right.optional;
  if (left.of.kind === "ref" && right.of.kind === "ref") {
    const same = left.of.region === right.of.region && sameLayout(left.of.layout, right.of.layout);
    return same ? { of: left.of, optional } : undefined;
  }
  if (left.of.kind === right.of.kind) return { of: left.of, optional };
  const wide = (kind: string): boolean => kind === "u64" || kind === "i64";
  // An untyped bigint takes the type of the others.
  if (!wide(left.of.kind) || !wide(right.of.kind)) return undefined;
  if (value.kind === "constant" && value.type === "bigint") return { of: left.of, optional };
  return { of: right.of, optional };
}

function assignAll(
  frame: Frame,
  branches: readonly Branch[],
  type: Type,
  options: MergeOptions,
  node: ts.Node,
): Expression {
  const at = frame.at(node);
  const local = frame.emitter.newLocal(options.name, type, at, options.width);
  options.declarations.push({ kind: "let", local, at });
  for (const branch of branches) {
    if (branch.value.kind === "undefined" || branch.value.kind === "void") continue;
    const value = toType(frame, branch.value, type, branch.node);
    if (value) insert(branch, { kind: "assign", local, value, at: frame.at(branch.node) });
  }
  return { kind: "local", local, type, at };
}

function insert({ statements, before }: Branch, statement: Statement): void {
  const index = before ? statements.indexOf(before) : statements.length;
  statements.splice(index, 0, statement);
}

function mergeRecords(frame: Frame, branches: readonly Branch[], options: MergeOptions, node: ts.Node): Value {
  const records = branches.map(({ value }) => (value.kind === "optionalRecord" ? value.record : value));
  const always = branches.every(({ value }) => value.kind === "record");
  const parts = branches.map((branch, index) => ({ ...branch, value: records[index]! }));
  const record = mergeMembers(frame, parts, always ? merge : mergeMember, options, node);
  return always
    ? record
    : { kind: "optionalRecord", present: recordPresence(frame, branches, record, options, node), record };
}

function mergeMembers(
  frame: Frame,
  branches: readonly Branch[],
  each: typeof merge,
  options: MergeOptions,
  node: ts.Node,
): RecordValue {
  const records = branches.flatMap(({ value }) => (value.kind === "record" ? [value] : []));
  const names = new Set(records.flatMap((record) => [...record.members.keys()]));
  const members = new Map<string, Value>();
  for (const name of names) {
    const parts = branches.flatMap((branch) =>
      branch.value.kind === "record" ? [{ ...branch, value: branch.value.members.get(name) ?? undefinedValue }] : [],
    );
    members.set(name, each(frame, parts, { ...options, name: `${options.name}_${name}` }, node));
  }
  return { kind: "record", members };
}

/** A member of a record that may be absent: a reference that it always has is absent just when the record is. */
function mergeMember(frame: Frame, parts: readonly Branch[], options: MergeOptions, node: ts.Node): Value {
  if (parts.every(({ value }) => value.kind === "record"))
    return mergeMembers(frame, parts, mergeMember, options, node);
  const required = parts.every(({ value }) => isPlainReference(value));
  if (!required) return merge(frame, parts, options, node);
  const held = parts.map((part) => ({ ...part, value: withAbsence(part.value, frame.at(part.node)) }));
  const merged = merge(frame, held, options, node);
  if (merged.kind !== "runtime") return merged;
  return { ...merged, expression: build.unwrap(merged.expression, frame.at(node)) };
}

function isPlainReference(value: Value): boolean {
  return value.kind === "runtime" && value.expression.type.kind === "ref";
}

function withAbsence(value: Value, at: number): Value {
  if (value.kind !== "runtime") return value;
  const { expression } = value;
  return { ...value, expression: expression.kind === "unwrap" ? expression.value : build.some(expression, at) };
}

/** The optionals behind a record's references, those of the objects in it included. */
function referencesOf(record: RecordValue): readonly Expression[] {
  return [...record.members.values()].flatMap((member) => {
    if (member.kind === "record") return referencesOf(member);
    return member.kind === "runtime" && member.expression.kind === "unwrap" ? [member.expression.value] : [];
  });
}

/** A record is there when its references are; one without references has a variable that says so. */
function recordPresence(
  frame: Frame,
  branches: readonly Branch[],
  record: RecordValue,
  options: MergeOptions,
  node: ts.Node,
): Expression {
  const at = frame.at(node);
  const tests = referencesOf(record).map((reference) => build.present(reference, at));
  if (tests.length > 0) return tests.reduce((left, right) => build.logical("and", left, right, at));
  const local = frame.emitter.newLocal(`${options.name}_present`, boolType, at);
  options.declarations.push({ kind: "let", local, at });
  for (const branch of branches) {
    const { value } = branch;
    if (value.kind !== "record" && value.kind !== "optionalRecord") continue;
    const test = value.kind === "record" ? build.bool(true, at) : value.present;
    insert(branch, { kind: "assign", local, value: test, at });
  }
  return { kind: "local", local, type: boolType, at };
}
