import type ts from "typescript";
import type { Expression } from "../hir/tree.ts";
import { type IntegerName, limitsOf, type NarrowInteger } from "../hir/types.ts";
import { expressionOf } from "./coerce.ts";
import { type Emitter, isStable } from "./emitter.ts";
import type { Frame } from "./frame.ts";
import { poison, type RecordValue, runtime, type Value } from "./values.ts";

/** The value, calculated here and now: what it refers to later is a local. Compile-time values stay as they are. */
export function settle(frame: Frame, value: Value, name: string, node: ts.Node, width?: NarrowInteger): Value {
  switch (value.kind) {
    case "runtime": {
      const { expression } = value;
      const stable = isStable(expression, frame.emitter.mutable);
      if (stable && (width === undefined || fitsTrivially(expression, width, frame.emitter))) return value;
      if (expression.type.kind === "void") return value;
      return { ...value, expression: frame.emitter.let(name, expression, frame.at(node), width) };
    }
    case "guarded": {
      const expression = expressionOf(frame, value, node);
      return expression
        ? { ...value.value, expression: frame.emitter.let(name, expression, frame.at(node), width) }
        : poison;
    }
    case "record":
      return settleRecord(frame, value, name, node);
    case "optionalRecord": {
      const present = settle(frame, runtime(value.present), `${name}_present`, node);
      const record = value.record.kind === "record" ? settleRecord(frame, value.record, name, node) : value.record;
      return present.kind === "runtime" ? { kind: "optionalRecord", present: present.expression, record } : poison;
    }
    case "list":
      return { kind: "list", items: value.items.map((item, index) => settle(frame, item, `${name}_${index}`, node)) };
    default:
      return value;
  }
}

/** For a number that is compared before it is used: comparisons say what a variable may be, not what `x & 15` is. */
export function variable(frame: Frame, number: Expression, name: string, node: ts.Node): Expression {
  const { kind } = number;
  if (kind === "constant" || kind === "local" || kind === "setting") return number;
  return frame.emitter.let(name, number, frame.at(node));
}

/** Whether an expression obviously fits an integer, so that nobody need prove it. */
function fitsTrivially(e: Expression, width: NarrowInteger, emitter: Emitter): boolean {
  const [low, high] = limitsOf(width);
  const within = (name: IntegerName | undefined): boolean => {
    if (name === undefined) return false;
    const [least, most] = limitsOf(name);
    return least >= low && most <= high;
  };
  switch (e.kind) {
    case "constant":
      return typeof e.value === "boolean" || (e.value >= low && e.value <= high);
    case "setting":
      return within(e.width);
    case "local":
      return within(emitter.locals[e.local]?.width);
    case "convert":
      return e.to !== "number" && e.to !== "bool" && within(e.to);
    default:
      return false;
  }
}

function settleRecord(frame: Frame, value: RecordValue, name: string, node: ts.Node): RecordValue {
  const members = [...value.members].map(
    ([key, member]) => [key, settle(frame, member, `${name}_${key}`, node)] as const,
  );
  return { kind: "record", members: new Map(members) };
}

/**
 * Evaluates parts from left to right. When a later part writes statements, what the parts before it gave is calculated
 * before those.
 */
export function inOrder(frame: Frame, parts: readonly (() => Value)[], node: ts.Node): Value[] {
  const values: Value[] = [];
  for (const part of parts) {
    if (!frame.inProgram) {
      values.push(part());
      continue;
    }
    const list = frame.emitter.current;
    const { statements, result } = frame.emitter.capture(part);
    if (statements.length > 0) {
      values.forEach((value, index) => {
        values[index] = settle(frame, value, "operand", node);
      });
      list.push(...statements);
    }
    values.push(result);
  }
  return values;
}
