import ts from "typescript";
import { messages } from "../../diagnostics.ts";
import type { IntegerBits, IntegerLayout, Layout } from "../../hir/layout.ts";
import type { Position } from "../../hir/position.ts";
import type { Expression } from "../../hir/tree.ts";
import { boolType, type IntegerName, i64Type, numberType, type ScalarType, u64Type } from "../../hir/types.ts";
import * as build from "../build.ts";
import { expressionOf } from "../coerce.ts";
import { binaryParts } from "../expressions/binary.ts";
import { evaluate } from "../expressions/evaluate.ts";
import { extreme } from "../extreme.ts";
import type { Frame } from "../frame.ts";
import { inOrder, settle } from "../settle.ts";
import {
  boolConstant,
  builtin,
  type ConstantValue,
  describe,
  type LayoutValue,
  numberConstant,
  poison,
  runtime,
  type Value,
} from "../values.ts";
import { constantNumber, values } from "./arguments.ts";
import type { Library, LibraryEntry } from "./index.ts";
import { newValue } from "./layouts.ts";

function integer(bits: IntegerBits, signed: boolean, order: "native" | "big" = "native"): LayoutValue {
  const name = `${order === "big" ? "be" : signed ? "i" : "u"}${bits}`;
  return { kind: "layout", layout: { kind: "integer", bits, signed, order }, name };
}

const constantLayouts: Readonly<Record<string, LayoutValue>> = {
  u8: integer(8, false),
  u16: integer(16, false),
  u32: integer(32, false),
  u64: integer(64, false),
  i8: integer(8, true),
  i16: integer(16, true),
  i32: integer(32, true),
  i64: integer(64, true),
  be16: integer(16, false, "big"),
  be32: integer(32, false, "big"),
  be64: integer(64, false, "big"),
  bool: { kind: "layout", layout: { kind: "bool" }, name: "bool" },
};

export const scalarLibrary: Library = {
  ...Object.fromEntries(Object.entries(constantLayouts).map(([name, value]) => [name, (): Value => value])),
  min: extremeOf("min", "less"),
  max: extremeOf("max", "greater"),
  range: () => builtin("range", rangeCall),
};

/** The integer that a layout's values are. */
export function integerName({ bits, signed }: IntegerLayout): IntegerName {
  return `${signed ? "i" : "u"}${bits}`;
}

/** A call of a layout: the conversion to a scalar, or a new struct. */
export function convertCall(frame: Frame, callee: LayoutValue, call: ts.CallExpression): Value {
  const { layout } = callee;
  if (layout.kind !== "integer" && layout.kind !== "bool") return newValue(frame, callee, call);
  const argument = call.arguments[0];
  if (!argument) return poison;
  const value = convertible(frame, argument);
  return value.kind === "poison" ? value : convert(frame, value, layout, call);
}

/** The argument of a conversion: the fraction of a division in it is dropped. */
function convertible(frame: Frame, argument: ts.Expression): Value {
  let node = argument;
  while (ts.isParenthesizedExpression(node)) node = node.expression;
  if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.SlashToken)
    return binaryParts(frame, node, true);
  return evaluate(frame, node);
}

function convert(frame: Frame, value: Value, layout: Layout & { kind: "integer" | "bool" }, node: ts.Node): Value {
  if (value.kind === "constant") return convertConstant(value, layout);
  const expression = expressionOf(frame, value, node);
  if (!expression) return poison;
  const { type } = expression;
  const convertible = type.kind === "number" || type.kind === "bool" || type.kind === "u64" || type.kind === "i64";
  if (!convertible) return frame.fail(node, messages.unexpectedValue("an integer or a boolean", describe(value)));
  if (layout.kind === "bool") return notZero(expression, type, frame.at(node));
  const to = integerName(layout);
  if (to === type.kind) return value;
  const result = scalarType(to);
  return runtime({ kind: "convert", to, value: expression, type: result, at: frame.at(node) });
}

function notZero(left: Expression, type: ScalarType, at: Position): Value {
  if (type.kind === "bool") return runtime(left);
  const right = build.constant(type, 0n, at);
  return runtime({ kind: "compare", operator: "notEqual", left, right, type: boolType, at });
}

function scalarType(name: IntegerName): ScalarType {
  return name === "u64" ? u64Type : name === "i64" ? i64Type : numberType;
}

function convertConstant({ value }: ConstantValue, layout: Layout & { kind: "integer" | "bool" }): Value {
  if (layout.kind === "bool") return boolConstant(value !== 0n && value !== false);
  const whole = typeof value === "boolean" ? BigInt(value) : value;
  const kept = layout.signed ? BigInt.asIntN(layout.bits, whole) : BigInt.asUintN(layout.bits, whole);
  if (layout.bits < 64) return numberConstant(kept);
  return { kind: "constant", type: layout.signed ? "i64" : "u64", value: kept };
}

function extremeOf(name: string, operator: "less" | "greater"): LibraryEntry {
  return () =>
    builtin(name, (frame, call) => {
      const [left, right] = values(frame, call) ?? [];
      return left && right ? extreme(frame, operator, left, right, call) : poison;
    });
}

function rangeCall(frame: Frame, call: ts.CallExpression): Value {
  const all = inOrder(
    frame,
    call.arguments.map((one) => () => evaluate(frame, one)),
    call,
  );
  if (all.some((value) => value.kind === "poison")) return poison;
  const settled = all.map((value) => (frame.inProgram ? settle(frame, value, "bound", call) : value));
  const [first, second, third] = settled;
  const step = third ? constantNumber(frame, third, "the step of a range", call) : 1;
  if (!first || step === undefined) return poison;
  if (step < 1) return frame.fail(call, messages.constantRange(String(step), "a positive step"));
  return { kind: "range", from: second ? first : numberConstant(0), to: second ?? first, step };
}
