import ts from "typescript";
import { messages } from "../../diagnostics.ts";
import type { Expression } from "../../hir/tree.ts";
import { numberType } from "../../hir/types.ts";
import { bindPattern } from "../bindings.ts";
import { sequenceOf } from "../blocks.ts";
import * as build from "../build.ts";
import { toType } from "../coerce.ts";
import { maximumStatements } from "../emitter.ts";
import { evaluate } from "../expressions/evaluate.ts";
import type { Frame, Jump } from "../frame.ts";
import { Scope } from "../scope.ts";
import { settle } from "../settle.ts";
import { describe, type ListValue, type RangeValue, type RuntimeValue, runtime, type Value } from "../values.ts";
import { evaluateBlock } from "./evaluate.ts";
import { emitLoop, jumpTarget } from "./for.ts";

/** Over the elements of an array, a range, or (unrolled) a list of constants. */
export function forOfStatement(frame: Frame, node: ts.ForOfStatement): boolean {
  if (!ts.isVariableDeclarationList(node.initializer) || node.awaitModifier) {
    frame.fail(node, messages.unsupported("such a loop", "Write `for (const element of array)`."));
    return false;
  }
  const name = node.initializer.declarations[0]!.name;
  const over = evaluate(frame, node.expression);
  switch (over.kind) {
    case "list":
      return unroll(frame, over, name, node);
    case "range":
      overRange(frame, over, name, node);
      return false;
    case "runtime":
      overElements(frame, over, name, node);
      return false;
    case "poison":
      return false;
    default:
      frame.fail(node.expression, messages.unexpectedValue("an array, a range or a list of constants", describe(over)));
      return false;
  }
}

/** A block per constant: `continue` leaves its block, `break` the block around all. */
function unroll(frame: Frame, list: ListValue, name: ts.BindingName, node: ts.ForOfStatement): boolean {
  const { emitter } = frame;
  const outer = emitter.newLabel();
  let left = false;
  let ended = false;
  const { statements } = emitter.capture(() => {
    // The items are what they are before the first round.
    for (const item of list.items.map((one) => settle(frame, one, "item", node.expression))) {
      if (emitter.tooLarge) {
        if (emitter.becomesTooLarge()) frame.fail(node, messages.unrolledTooFar(maximumStatements));
        return;
      }
      const label = emitter.newLabel();
      let continued = false;
      const breakTo: Jump = { kind: "break", label: outer, used: () => (left = true) };
      const continueTo: Jump = { kind: "break", label, used: () => (continued = true) };
      const jumps = [...frame.state.jumps, jumpTarget(frame.state.loopName, breakTo, continueTo)];
      const inner = frame.with({ jumps, scope: new Scope(frame.scope), loopName: undefined });
      const round = emitter.capture(() => {
        bindPattern(inner, name, item, { node });
        return evaluateBlock(inner, node.statement);
      });
      if (round.statements.length > 0) emitter.emit(sequenceOf(label, round.statements, continued, frame.at(node)));
      ended = round.result && !continued;
      if (ended) return;
    }
  });
  if (statements.length > 0) emitter.emit(sequenceOf(outer, statements, left, frame.at(node)));
  return ended && !left;
}

function overRange(frame: Frame, range: RangeValue, name: ts.BindingName, node: ts.ForOfStatement): void {
  const from = toType(frame, range.from, numberType, node.expression);
  const to = toType(frame, range.to, numberType, node.expression);
  if (!from || !to) return;
  const at = frame.at(node);
  const local = frame.emitter.newLocal(ts.isIdentifier(name) ? name.text : "index", numberType, at);
  emitLoop(frame, { local, from, to, step: range.step, node }, (inner) => {
    bindPattern(inner, name, counter(local, at), { node });
    evaluateBlock(inner, node.statement);
  });
}

function counter(local: number, at: number): Value {
  return runtime({ kind: "local", local, type: numberType, at });
}

function overElements(frame: Frame, array: RuntimeValue, name: ts.BindingName, node: ts.ForOfStatement): void {
  const held = settle(frame, array, "elements", node.expression);
  const base: Expression | undefined = held.kind === "runtime" ? held.expression : undefined;
  const layout = base?.type.kind === "ref" ? base.type.layout : undefined;
  const element = layout && build.elementLayout(layout);
  if (!base || !element || (layout.kind !== "array" && layout.kind !== "bytes") || array.kernelType) {
    frame.fail(node.expression, messages.unexpectedValue("an array", describe(array)));
    return;
  }
  const at = frame.at(node);
  const local = frame.emitter.newLocal("index", numberType, at);
  const from = build.numberLiteral(0, at);
  const to = build.numberLiteral(layout.length, at);
  emitLoop(frame, { local, from, to, step: 1, node }, (inner) => {
    const index: Expression = { kind: "local", local, type: numberType, at };
    const value = runtime(build.loadOrRef(build.element(base, index, element, at), at));
    bindPattern(inner, name, value, { node });
    evaluateBlock(inner, node.statement);
  });
}
