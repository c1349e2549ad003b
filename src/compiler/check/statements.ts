import { isScalar } from "../hir/layout.ts";
import type { Position } from "../hir/position.ts";
import type {
  Expression,
  IfStatement,
  ReturnStatement,
  Statement,
  StoreStatement,
  SwitchStatement,
} from "../hir/tree.ts";
import type { Checker } from "./checker.ts";
import { branch, split } from "./conditions.ts";
import { checkFits, evaluate, unknownValue } from "./expressions.ts";
import { forgetFactsThrough } from "./facts.ts";
import { mayNotFit, missingVerdict, unwantedVerdict } from "./findings.ts";
import { assumeCompare, contains, type Interval, interval, limits, meet } from "./interval.ts";
import { runFor } from "./loops.ts";
import { checkReadable, checkWritable } from "./memory.ts";
import { refine } from "./refine.ts";
import { type FlowValue, joinStates, joinValues, type Outcome, State } from "./state.ts";
import { givesVerdict } from "./verdict.ts";

type Rules = {
  readonly [K in Statement["kind"]]: (c: Checker, node: Extract<Statement, { readonly kind: K }>) => void;
};

/** Runs statements in the checker's state; what they declare is out of sight afterwards. */
export function runBody(c: Checker, body: readonly Statement[]): void {
  runStatements(c, body);
  c.forget(body, c.state);
}

/** The same, but what they declare stays known. */
export function runStatements(c: Checker, body: readonly Statement[]): void {
  for (const statement of body) {
    if (c.state.dead) return;
    c.visit();
    (rules[statement.kind] as (c: Checker, node: Statement) => void)(c, statement);
  }
}

const rules: Rules = {
  let(c, node) {
    forgetFactsThrough(c.state, node.local);
    const { type } = c.routine.locals[node.local]!;
    if (node.value?.type.kind === "bool") keepOutcome(c, node.local, node.value);
    else if (node.value && dependsOnOthers(node.value)) keepPresence(c, node.local, node.value);
    else if (node.value) setLocal(c, node.local, evaluate(c, node.value), node.value.at);
    else if (type.kind === "optional") c.state.assign(node.local, { presence: "absent" });
    else if (type.kind === "ref" || type.kind === "verdict") c.state.locals.delete(node.local);
    else c.state.assign(node.local, { presence: "present", range: interval(0n, 0n) });
  },
  assign(c, node) {
    const value = evaluate(c, node.value);
    forgetFactsThrough(c.state, node.local);
    setLocal(c, node.local, value, node.value.at);
  },
  store: runStore,
  copy(c, node) {
    const target = evaluate(c, node.target);
    const source = evaluate(c, node.source);
    c.use(target, node.target.at);
    c.use(source, node.source.at);
    checkReadable(c, node.source, node.source.at);
    checkWritable(c, node.target, node.target.at);
  },
  expression(c, node) {
    evaluate(c, node.value);
  },
  if: runIf,
  switch: runSwitch,
  for: runFor,
  block(c, node) {
    const { breaks } = c.labelled(node.label, () => runBody(c, node.body));
    c.state = joinStates(c.state, breaks);
  },
  break: (c, node) => c.jump(node.label, "breaks"),
  continue: (c, node) => c.jump(node.label, "continues"),
  return: runReturn,
  lock(c, node) {
    c.use(evaluate(c, node.lock), node.lock.at);
    runBody(c, node.body);
  },
};

/** `const fits = x !== undefined && x < 9`: a later test of `fits` says the same about x. */
function keepOutcome(c: Checker, local: number, test: Expression): void {
  const { yes, no } = branch(c, test);
  const outcome = meetAfter(c, yes, no);
  const range = interval(no.dead && !yes.dead ? 1n : 0n, yes.dead && !no.dead ? 0n : 1n);
  c.state.assign(local, { presence: "present", range, outcome });
}

/** An optional that is made of others; what an operation gives says nothing about them. */
function dependsOnOthers({ kind, type }: Expression): boolean {
  return type.kind === "optional" && (kind === "conditional" || kind === "sequence" || kind === "local");
}

/** `const a = x?.a`: where `a` is present, so is x. */
function keepPresence(c: Checker, local: number, node: Expression): void {
  const { present, absent, value } = split(c, node);
  const outcome = meetAfter(c, present, absent);
  const either = joinValues(value, present, { presence: "absent" }, absent, c.state);
  setLocal(c, local, { ...either, outcome }, node.at);
}

/** Goes on behind a test, and keeps what both of its sides say. */
function meetAfter(c: Checker, yes: State, no: State): Outcome {
  c.state = joinStates(yes, no);
  if (c.state === yes || c.state === no) c.state = c.state.copy();
  const side = (state: State) => (state.dead ? undefined : state.locals);
  return { yes: side(yes), no: side(no), after: c.state.locals.copy() };
}

function setLocal(c: Checker, index: number, value: FlowValue, at: Position): void {
  const local = c.routine.locals[index]!;
  c.use(value, at);
  const allowed = local.width && limits(local.width);
  const range = value.range && allowed ? fitting(c, value.range, allowed, local.width, at) : value.range;
  const known = value.presence === "absent" || range ? value : { ...unknownValue(local.type), ...value };
  c.state.assign(index, range ? { ...known, range } : known);
}

function fitting(c: Checker, range: Interval, allowed: Interval, width: string | undefined, at: Position): Interval {
  if (!contains(allowed, range)) c.report(mayNotFit(at, range, width ?? "the variable", allowed));
  return meet(range, allowed) ?? allowed;
}

function runStore(c: Checker, node: StoreStatement): void {
  const target = evaluate(c, node.target);
  const value = evaluate(c, node.value);
  c.use(target, node.target.at);
  const { type } = node.target;
  if (type.kind === "ref" && isScalar(type.layout)) checkFits(c, value, type.layout, node.value.at);
  checkWritable(c, node.target, node.target.at);
}

function runIf(c: Checker, node: IfStatement): void {
  const { yes, no } = branch(c, node.test);
  c.state = yes;
  runBody(c, node.then);
  const afterThen = c.state;
  c.state = no;
  runBody(c, node.otherwise);
  c.state = joinStates(afterThen, c.state);
}

function runSwitch(c: Checker, node: SwitchStatement): void {
  const value = evaluate(c, node.value).range;
  const entry = c.state;
  let after = State.dead();
  const { breaks } = c.labelled(node.label, () => {
    for (const one of node.cases) {
      const low = one.values.reduce((a, b) => (a < b ? a : b));
      const high = one.values.reduce((a, b) => (a > b ? a : b));
      const state = entry.copy();
      const possible = !value || one.values.some((each) => each >= value.low && each <= value.high);
      c.state = possible && refine(c, state, node.value, interval(low, high)) ? state : State.dead();
      runBody(c, one.body);
      after = joinStates(after, c.state);
    }
    c.state = remaining(c, entry, node, value);
    runBody(c, node.otherwise);
    after = joinStates(after, c.state);
  });
  c.state = joinStates(after, breaks);
}

/** What holds where no case does: single values at the ends of the range are gone. */
function remaining(c: Checker, entry: State, node: SwitchStatement, value: Interval | undefined): State {
  const values = node.cases.flatMap((one) => one.values).sort((a, b) => (a < b ? -1 : 1));
  let left: Interval | undefined = value;
  for (const order of [values, [...values].reverse()]) {
    for (const each of order) left = left && assumeCompare("notEqual", left, interval(each, each));
  }
  const state = entry.copy();
  if (!value) return state;
  return left && refine(c, state, node.value, left) ? state : State.dead();
}

function runReturn(c: Checker, node: ReturnStatement): void {
  if (node.value) evaluate(c, node.value);
  const wanted = givesVerdict(c.routine);
  if (!wanted && node.value) c.report(unwantedVerdict(node.at));
  if (wanted && !node.value) c.report(missingVerdict(node.at));
  c.state = State.dead();
}
