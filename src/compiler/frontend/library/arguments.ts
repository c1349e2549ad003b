import type ts from "typescript";
import { messages } from "../../diagnostics.ts";
import type { Expression } from "../../hir/tree.ts";
import { numberType, type Type } from "../../hir/types.ts";
import { toType } from "../coerce.ts";
import { evaluate } from "../expressions/evaluate.ts";
import type { Frame } from "../frame.ts";
import { inOrder } from "../settle.ts";
import { describe, type RecordValue, type Value } from "../values.ts";

/** The values of a call's arguments; undefined when one of them is in error. */
export function values(frame: Frame, call: ts.CallExpression): readonly Value[] | undefined {
  const all = inOrder(
    frame,
    call.arguments.map((one) => () => evaluate(frame, one)),
    call,
  );
  return all.some((value) => value.kind === "poison") ? undefined : all;
}

/** Arguments of these types, as expressions. */
export function expressions(
  frame: Frame,
  call: ts.CallExpression,
  types: readonly Type[],
): readonly Expression[] | undefined {
  const all = values(frame, call);
  if (!all || all.length < types.length) return undefined;
  const found = types.map((type, index) => toType(frame, all[index]!, type, call.arguments[index]!));
  return found.every((one) => one !== undefined) ? found : undefined;
}

export function numbers(frame: Frame, call: ts.CallExpression, count: number): readonly Expression[] | undefined {
  return expressions(frame, call, Array<Type>(count).fill(numberType));
}

/** A number that is known at compile time. */
export function constantNumber(
  frame: Frame,
  value: Value | undefined,
  what: string,
  node: ts.Node,
): number | undefined {
  if (value?.kind === "constant" && value.type === "number") return Number(value.value);
  if (value?.kind !== "poison") frame.fail(node, messages.notConstant(what));
  return undefined;
}

export function constantText(frame: Frame, value: Value | undefined, what: string, node: ts.Node): string | undefined {
  if (value?.kind === "string") return value.text;
  if (value?.kind !== "poison") frame.fail(node, messages.notConstant(what));
  return undefined;
}

/** An object literal of options. */
export function options(frame: Frame, value: Value | undefined, node: ts.Node): RecordValue | undefined {
  if (value?.kind === "record") return value;
  if (value && value.kind !== "poison")
    frame.fail(node, messages.unexpectedValue("an object with options", describe(value)));
  return undefined;
}

/** The number of a member of options. */
export function numberOption(frame: Frame, record: RecordValue, name: string, node: ts.Node): number | undefined {
  return constantNumber(frame, record.members.get(name), `"${name}"`, node);
}
