import type ts from "typescript";
import type { Expression } from "../hir/tree.ts";
import { numberType } from "../hir/types.ts";
import { compareIntegers, integerExpression } from "./arithmetic.ts";
import * as build from "./build.ts";
import type { Frame } from "./frame.ts";
import { settle, variable } from "./settle.ts";
import { poison, runtime, type Value } from "./values.ts";

/** The smaller ("less") or larger one of two integers, each calculated once. */
export function extreme(frame: Frame, operator: "less" | "greater", first: Value, second: Value, node: ts.Node): Value {
  const [left, right] = frame.inProgram ? [operand(frame, first, node), operand(frame, second, node)] : [first, second];
  const test = compareIntegers(frame, operator, left, right, node);
  if (test.kind === "constant") return test.value ? left : right;
  if (test.kind !== "runtime" || test.expression.kind !== "compare") return poison;
  const { type } = test.expression.left;
  const scalar = type.kind === "u64" || type.kind === "i64" ? type : numberType;
  const sides: (Expression | undefined)[] = [left, right].map((value) => integerExpression(frame, value, scalar, node));
  const [then, otherwise] = sides;
  return then && otherwise ? runtime(build.conditional(test.expression, then, otherwise, frame.at(node))) : poison;
}

function operand(frame: Frame, value: Value, node: ts.Node): Value {
  const settled = settle(frame, value, "operand", node);
  if (settled.kind !== "runtime" || settled.kernelType) return settled;
  return { ...settled, expression: variable(frame, settled.expression, "operand", node) };
}
