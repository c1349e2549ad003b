import type { Layout } from "../hir/layout.ts";
import type { Position } from "../hir/position.ts";
import type { Expression, OperationExpression } from "../hir/tree.ts";
import {
  boolType,
  i64Type,
  loadedType,
  numberType,
  optionalType,
  type RefType,
  refType,
  type ScalarType,
  type Type,
  u64Type,
} from "../hir/types.ts";

/** HIR expressions, made and simplified where that needs no thought. */

export function constant(type: ScalarType, value: bigint | boolean, at: Position): Expression {
  return { kind: "constant", type, value, at };
}

export function numberLiteral(value: number | bigint, at: Position): Expression {
  return constant(numberType, BigInt(value), at);
}

export function bool(value: boolean, at: Position): Expression {
  return constant(boolType, value, at);
}

export function not(value: Expression, at: Position): Expression {
  if (value.kind === "constant") return bool(!value.value, at);
  if (value.kind === "unary" && value.operator === "not") return value.value;
  return { kind: "unary", operator: "not", value, type: boolType, at };
}

export function logical(operator: "and" | "or", left: Expression, right: Expression, at: Position): Expression {
  if (left.kind === "constant") return left.value === (operator === "and") ? right : left;
  if (right.kind === "constant" && right.value === (operator === "and")) return left;
  return { kind: "logical", operator, left, right, type: boolType, at };
}

export function present(value: Expression, at: Position): Expression {
  if (value.kind === "some") return bool(true, at);
  if (value.kind === "none") return bool(false, at);
  return { kind: "present", value, type: boolType, at };
}

export function unwrap(value: Expression, at: Position): Expression {
  if (value.type.kind !== "optional") return value;
  if (value.kind === "some") return value.value;
  return { kind: "unwrap", value, type: value.type.of, at };
}

export function some(value: Expression, at: Position): Expression {
  const { type } = value;
  if (type.kind === "optional" || type.kind === "void") return value;
  return { kind: "some", value, type: optionalType(type), at };
}

export function none(type: Type, at: Position): Expression {
  const optional = type.kind === "optional" || type.kind === "void" ? type : optionalType(type);
  return { kind: "none", type: optional, at };
}

export function conditional(test: Expression, then: Expression, otherwise: Expression, at: Position): Expression {
  if (test.kind === "constant") return test.value ? then : otherwise;
  return { kind: "conditional", test, then, otherwise, type: then.type, at };
}

/** The scalar behind a reference, read; the reference itself for an aggregate. */
export function loadOrRef(ref: Expression, at: Position): Expression {
  const type = ref.type.kind === "ref" ? loadedType(ref.type.layout) : undefined;
  return type ? { kind: "load", ref, type, at } : ref;
}

export function field(base: Expression & { type: Type }, index: number, layout: Layout, at: Position): Expression {
  return { kind: "field", base, field: index, type: refType((base.type as RefType).region, layout), at };
}

export function element(base: Expression, index: Expression, layout: Layout, at: Position): Expression {
  return { kind: "element", base, index, type: refType((base.type as RefType).region, layout), at };
}

type OperationParts = Omit<OperationExpression, "kind" | "operation" | "args" | "type" | "at">;

export function operation(
  name: string,
  args: readonly Expression[],
  type: Type,
  at: Position,
  parts: OperationParts = {},
): OperationExpression {
  return { kind: "operation", operation: name, args, type, at, ...parts };
}

const byteLayout: Layout = { kind: "integer", bits: 8, signed: false, order: "native" };

/** The layout of the elements of an array or of bytes. */
export function elementLayout(layout: Layout): Layout | undefined {
  if (layout.kind === "array") return layout.element;
  return layout.kind === "bytes" ? byteLayout : undefined;
}

export function wide(kind: "u64" | "i64"): ScalarType {
  return kind === "u64" ? u64Type : i64Type;
}
