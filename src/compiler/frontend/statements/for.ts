import ts from "typescript";
import { messages } from "../../diagnostics.ts";
import type { Expression, Statement } from "../../hir/tree.ts";
import { numberType } from "../../hir/types.ts";
import { arithmetic } from "../arithmetic.ts";
import { assignedSymbols } from "../assignments.ts";
import { bindPattern } from "../bindings.ts";
import { expressionOf, toType } from "../coerce.ts";
import { isStable } from "../emitter.ts";
import { evaluate } from "../expressions/evaluate.ts";
import { extreme } from "../extreme.ts";
import type { Frame, Jump, JumpTarget } from "../frame.ts";
import { Scope } from "../scope.ts";
import { inOrder, settle } from "../settle.ts";
import { declaredType } from "../types.ts";
import { numberConstant, poison, runtime, type Value } from "../values.ts";
import { type Counted, countedForm, type End } from "./counted.ts";
import { evaluateBlock } from "./evaluate.ts";

/** `for (let i = from; i < to; i += step)`, and the same downwards. */
export function forStatement(frame: Frame, node: ts.ForStatement): boolean {
  const form = countedForm(node, frame.checker);
  if ("why" in form) {
    frame.fail(node, messages.uncountedLoop(form.why, form.instead));
    return false;
  }
  const inner = frame.with({ scope: new Scope(frame.scope) });
  for (const other of form.constants) {
    const value = other.initializer ? evaluate(inner, other.initializer) : poison;
    bindPattern(inner, other.name, value, { node: other, declaration: other });
  }
  if (assignedSymbols(node.statement, frame.checker).has(form.counter)) {
    frame.fail(node.statement, messages.assignedCounter(form.name.text));
    return false;
  }
  const from = settle(inner, evaluate(inner, form.start), "from", form.start);
  const bound = fixedBound(inner, form, node);
  const step = form.step ? evaluate(inner, form.step) : numberConstant(1);
  if (from.kind === "poison" || bound.kind === "poison" || step.kind === "poison") return false;
  if (step.kind !== "constant" || step.type !== "number" || (step.value as bigint) <= 0n) {
    frame.fail(form.step ?? node, messages.notConstant("the step of a loop (a positive number)"));
    return false;
  }
  const count = { from, bound, step: Number(step.value) };
  if (form.downwards) countDown(inner, form, count, node);
  else countUp(inner, form, count, node);
  return false;
}

interface Count {
  readonly from: Value;
  readonly bound: Value;
  readonly step: number;
}

/** Where the loop ends, evaluated once: the nearest of its ends. */
function fixedBound(frame: Frame, form: Counted, node: ts.ForStatement): Value {
  const ends = inOrder(
    frame,
    form.ends.map((end) => () => fixedEnd(frame, end, node)),
    node,
  );
  if (ends.some((end) => end.kind === "poison")) return poison;
  return ends.reduce((nearest, end) => extreme(frame, form.downwards ? "greater" : "less", nearest, end, node));
}

/** An end must be the same in every round. */
function fixedEnd(frame: Frame, end: End, node: ts.ForStatement): Value {
  const given = evaluate(frame, end.bound);
  const value = end.inclusive && given.kind !== "poison" ? beyond(frame, given, end) : given;
  if (value.kind !== "runtime") return value;
  const changed = assignedSymbols(node.statement, frame.checker);
  const mutable = mentions(end.bound, frame.checker).some(
    (symbol) => changed.has(symbol) || frame.session.isAssignedByClosures(symbol),
  );
  const fixed = isStable(value.expression, mutable ? frame.emitter.mutable : new Set());
  return fixed ? value : frame.fail(end.bound, messages.changingBound());
}

/** `i <= end` goes on to end + 1, `i >= end` down to end - 1. */
function beyond(frame: Frame, bound: Value, end: End): Value {
  return arithmetic(frame, end.downwards ? "subtract" : "add", bound, numberConstant(1), end.bound);
}

function mentions(node: ts.Node, checker: ts.TypeChecker): readonly ts.Symbol[] {
  const found: ts.Symbol[] = [];
  const visit = (one: ts.Node): void => {
    const symbol = ts.isIdentifier(one) ? checker.getSymbolAtLocation(one) : undefined;
    if (symbol) found.push(symbol);
    ts.forEachChild(one, visit);
  };
  visit(node);
  return found;
}

function countUp(frame: Frame, form: Counted, count: Count, node: ts.ForStatement): void {
  const from = toType(frame, count.from, numberType, form.start);
  const to = toType(frame, count.bound, numberType, node);
  if (!from || !to) return;
  const width = declaredType(frame.checker.getTypeOfSymbol(form.counter), frame.checker)?.width;
  const at = frame.at(node);
  const local = frame.emitter.newLocal(form.name.text, numberType, at, width);
  emitLoop(frame, { local, from, to, step: count.step, node }, (inner) => {
    const value = runtime({ kind: "local", local, type: numberType, at });
    inner.scope.bind(form.counter, { kind: "value", value });
    evaluateBlock(inner, node.statement);
  });
}

/** HIR counts upwards: the rounds that are done are counted, and taken from the start. */
function countDown(frame: Frame, form: Counted, count: Count, node: ts.ForStatement): void {
  const rounds = arithmetic(frame, "subtract", count.from, count.bound, node);
  const to = rounds.kind === "poison" ? undefined : expressionOf(frame, rounds, node);
  if (!to) return;
  const at = frame.at(node);
  const local = frame.emitter.newLocal(`${form.name.text}_done`, numberType, at);
  const from: Expression = { kind: "constant", type: numberType, value: 0n, at };
  emitLoop(frame, { local, from, to, step: count.step, node }, (inner) => {
    const done = runtime({ kind: "local", local, type: numberType, at });
    const value = arithmetic(inner, "subtract", count.from, done, node);
    inner.scope.bind(form.counter, { kind: "value", value: settle(inner, value, form.name.text, node) });
    evaluateBlock(inner, node.statement);
  });
}

interface Loop {
  readonly local: number;
  readonly from: Expression;
  readonly to: Expression;
  readonly step: number;
  readonly node: ts.Statement;
}

/** Writes a loop whose body `round` evaluates. */
export function emitLoop(frame: Frame, loop: Loop, round: (frame: Frame) => void): void {
  const { emitter } = frame;
  const label = emitter.newLabel();
  const jump = (kind: Jump["kind"]): Jump => ({ kind, label, used: () => undefined });
  const jumps = [...frame.state.jumps, jumpTarget(frame.state.loopName, jump("break"), jump("continue"))];
  const inner = frame.with({ jumps, scope: new Scope(frame.scope), loopName: undefined });
  const { statements } = emitter.capture(() => round(inner));
  const { local, from, to, step } = loop;
  const body: readonly Statement[] = statements;
  emitter.emit({ kind: "for", label, local, from, to, step, body, at: frame.at(loop.node) });
}

export function jumpTarget(name: string | undefined, breakTo: Jump, continueTo: Jump): JumpTarget {
  return name === undefined ? { breakTo, continueTo } : { name, breakTo, continueTo };
}
