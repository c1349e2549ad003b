import type { Expression, Statement } from "../tree.ts";
import { optionalLayout } from "./layout-shape.ts";
import {
  either,
  index,
  integer,
  listOf,
  name,
  oneOf,
  optional,
  position,
  type RecordShape,
  record,
  type Shape,
  tagged,
  text,
  wide,
} from "./shape.ts";
import { refType, scalarType, type } from "./type-shape.ts";

type Of<Union, K> = RecordShape<Extract<Union, { readonly kind: K }>>;

const kind = text;
const at = position;
const least = -(2n ** 63n);
const most = 2n ** 64n - 1n;
const width = optional(oneOf("u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64"));
const path = listOf(name, 16, 1);

export const expression: Shape = tagged("an expression", () => expressions);
const statement: Shape = tagged("a statement", () => statementShapes);
export const statements: Shape = listOf(statement);

const switchCase = record<{ values: 1; body: 1 }>({ values: listOf(wide(least, most), 65536, 1), body: statements });

const statementShapes: { readonly [K in Statement["kind"]]: Shape } = {
  let: record({ kind, local: index, value: optional(expression), at } satisfies Of<Statement, "let">),
  assign: record({ kind, local: index, value: expression, at } satisfies Of<Statement, "assign">),
  store: record({ kind, target: expression, value: expression, at } satisfies Of<Statement, "store">),
  copy: record({ kind, target: expression, source: expression, at } satisfies Of<Statement, "copy">),
  expression: record({ kind, value: expression, at } satisfies Of<Statement, "expression">),
  if: record({
    kind,
    test: expression,
    then: statements,
    otherwise: statements,
    at,
  } satisfies Of<Statement, "if">),
  switch: record({
    kind,
    label: index,
    value: expression,
    cases: listOf(switchCase),
    otherwise: statements,
    at,
  } satisfies Of<Statement, "switch">),
  for: record({
    kind,
    label: index,
    local: index,
    from: expression,
    to: expression,
    step: integer(1, 2 ** 31),
    body: statements,
    at,
  } satisfies Of<Statement, "for">),
  block: record({ kind, label: index, body: statements, at } satisfies Of<Statement, "block">),
  break: record({ kind, label: index, at } satisfies Of<Statement, "break">),
  continue: record({ kind, label: index, at } satisfies Of<Statement, "continue">),
  return: record({ kind, value: optional(expression), at } satisfies Of<Statement, "return">),
  lock: record({ kind, lock: expression, body: statements, at } satisfies Of<Statement, "lock">),
};

const newField = record<{ path: 1; value: 1 }>({ path: listOf(integer(0, 2 ** 24), 16, 1), value: expression });
const subject = record<{ field: 1; value: 1 }>({ field: text, value: expression });
const compare = oneOf("equal", "notEqual", "less", "lessEqual", "greater", "greaterEqual");
const binary = oneOf(
  ...(["add", "subtract", "multiply", "divide", "remainder", "and", "or", "xor"] as const),
  ...(["shiftLeft", "shiftRight", "shiftRightUnsigned"] as const),
);
const constantValue = either(
  "an integer or a boolean",
  (value) => typeof value === "boolean",
  (value) => typeof value === "bigint" && value >= least && value <= most,
);
const conversion = oneOf("u8", "u16", "u32", "u64", "i8", "i16", "i32", "i64", "number", "bool");

const expressions: { readonly [K in Expression["kind"]]: Shape } = {
  constant: record({ kind, type: scalarType, value: constantValue, at } satisfies Of<Expression, "constant">),
  local: record({ kind, local: index, type, at } satisfies Of<Expression, "local">),
  setting: record({ kind, path, width, type: scalarType, at } satisfies Of<Expression, "setting">),
  load: record({ kind, ref: expression, type: scalarType, at } satisfies Of<Expression, "load">),
  field: record({ kind, base: expression, field: index, type: refType, at } satisfies Of<Expression, "field">),
  element: record({ kind, base: expression, index: expression, type: refType, at } satisfies Of<Expression, "element">),
  kernelField: record({
    kind,
    base: expression,
    struct: name,
    path,
    width,
    type,
    at,
  } satisfies Of<Expression, "kernelField">),
  unary: record({
    kind,
    operator: oneOf("negate", "not", "bitNot"),
    value: expression,
    type: scalarType,
    at,
  } satisfies Of<Expression, "unary">),
  binary: record({
    kind,
    operator: binary,
    left: expression,
    right: expression,
    type: scalarType,
    at,
  } satisfies Of<Expression, "binary">),
  compare: record({
    kind,
    operator: compare,
    left: expression,
    right: expression,
    type: scalarType,
    at,
  } satisfies Of<Expression, "compare">),
  logical: record({
    kind,
    operator: oneOf("and", "or"),
    left: expression,
    right: expression,
    type: scalarType,
    at,
  } satisfies Of<Expression, "logical">),
  convert: record({ kind, to: conversion, value: expression, type: scalarType, at } satisfies Of<
    Expression,
    "convert"
  >),
  conditional: record({
    kind,
    test: expression,
    then: expression,
    otherwise: expression,
    type,
    at,
  } satisfies Of<Expression, "conditional">),
  some: record({ kind, value: expression, type, at } satisfies Of<Expression, "some">),
  none: record({ kind, type, at } satisfies Of<Expression, "none">),
  present: record({ kind, value: expression, type: scalarType, at } satisfies Of<Expression, "present">),
  unwrap: record({ kind, value: expression, type, at } satisfies Of<Expression, "unwrap">),
  new: record({ kind, fields: listOf(newField), type: refType, at } satisfies Of<Expression, "new">),
  sequence: record({ kind, body: statements, value: expression, type, at } satisfies Of<Expression, "sequence">),
  operation: record({
    kind,
    operation: text,
    args: listOf(expression, 16),
    map: optional(index),
    layout: optionalLayout,
    constants: optional(listOf(integer(-(2 ** 31), 2 ** 32 - 1), 16)),
    type,
    at,
  } satisfies Of<Expression, "operation">),
  match: record({ kind, setting: name, subjects: listOf(subject, 64), type, at } satisfies Of<Expression, "match">),
};
