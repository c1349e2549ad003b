import { isWrittenLocal, operationNamed } from "../../language/operations.ts";
import type { ForStatement } from "../hir/tree.ts";
import { childrenOf, type Node, someNode } from "../hir/walk.ts";
import { type Assignments, assignmentsIn } from "./assignments.ts";
import type { Checker, Record } from "./checker.ts";
import { allOf, evaluate } from "./expressions.ts";
import { forgetFacts, forgetFactsThrough } from "./facts.ts";
import { mayNotFit, mayOverflow, unboundedLoop } from "./findings.ts";
import { mostTrips, valuesIn } from "./growth.ts";
import { contains, fullInterval, type Interval, interval, limits, meet, point } from "./interval.ts";
import { type FlowValue, joinStates, State } from "./state.ts";
import { runBody } from "./statements.ts";

/**
 * A counted loop. What holds at the head of every round is found in two steps: a walk that knows nothing about what
 * the body assigns (sound, since nothing is wider), then what that walk says about one round, applied from the entry.
 * Variables that only ever grow or shrink by something bounded, or are set to something bounded, get what all rounds
 * together can add (`growth.ts`).
 */
export function runFor(c: Checker, node: ForStatement): void {
  const from = evaluate(c, node.from).range ?? fullInterval("number");
  const to = evaluate(c, node.to).range ?? fullInterval("number");
  const trips = boundTrips(c, node, from, to);
  c.noteTrips(node, trips);
  if (trips === 0n || c.state.dead) return;
  const { to: assigned, named } = assignmentsIn(node);
  const loop: Loop = {
    node,
    trips,
    counter: checkCounter(c, node, from, to),
    entry: c.state,
    assigned,
    named,
    nested: nestingOf(node),
  };
  let head = widest(c, loop);
  for (let pass = loop.nested > 2 ? 1 : 0; pass < 2; pass++) {
    const round = runRound(c, loop, head, true);
    head = tighten(c, loop, round, head);
  }
  const { back, breaks } = runRound(c, loop, head, false);
  // Where one round is certain, the loop ends behind a round.
  const certain = from.high < to.low;
  const exit = certain ? back : joinStates(head, back);
  narrow(exit, head, loop.assigned.keys());
  exit.locals.delete(node.local);
  c.state = joinStates(exit, breaks);
}

/** What a head says about variables holds behind the last round, too: it counts all rounds. */
function narrow(exit: State, head: State, locals: Iterable<number>): void {
  for (const local of locals) {
    const value = exit.locals.get(local);
    const known = head.locals.get(local)?.range;
    if (!value?.range || !known || contains(known, value.range)) continue;
    const range = meet(value.range, known);
    if (range) exit.locals.set(local, { ...value, range });
  }
}

interface Loop {
  readonly node: ForStatement;
  readonly trips: bigint;
  readonly counter: Interval;
  readonly entry: State;
  readonly assigned: Assignments["to"];
  readonly named: Assignments["named"];
  /** Loops inside of it, and itself. */
  readonly nested: number;
}

interface Round {
  /** What holds when the next round begins. */
  readonly back: State;
  readonly breaks: State;
  readonly record: Record;
}

function boundTrips(c: Checker, node: ForStatement, from: Interval, to: Interval): bigint {
  const span = to.high - from.low;
  const step = BigInt(node.step);
  const trips = span <= 0n ? 0n : (span + step - 1n) / step;
  if (trips <= mostTrips) return trips;
  c.report(unboundedLoop(node.at, trips, mostTrips));
  return mostTrips;
}

/** The counter's values in the body; its last, which ends the loop, must still be a number. */
function checkCounter(c: Checker, node: ForStatement, from: Interval, to: Interval): Interval {
  const step = BigInt(node.step);
  const before = to.high - 1n;
  // From a known first value the last one is known, too.
  const values = interval(from.low, from.low === from.high ? before - ((before - from.low) % step) : before);
  const last = before + step;
  if (last > fullInterval("number").high) c.report(mayOverflow(node.at, point(last)));
  const { width } = c.routine.locals[node.local]!;
  if (width && !contains(limits(width), values)) c.report(mayNotFit(node.at, values, width, limits(width)));
  return width ? (meet(values, limits(width)) ?? values) : values;
}

function nestingOf(node: ForStatement): number {
  const depth = (nodes: readonly Node[]): number =>
    nodes.reduce((most, inner) => Math.max(most, (inner.kind === "for" ? 1 : 0) + depth(childrenOf(inner))), 0);
  return 1 + depth(node.body);
}

/** The entry with nothing known about what the body may change. */
function widest(c: Checker, loop: Loop): State {
  const head = loop.entry.copy();
  for (const local of loop.assigned.keys()) {
    const value = head.locals.get(local);
    if (value) head.assign(local, widestValue(c, local, value));
  }
  forgetChanged(head, loop);
  return head;
}

function widestValue(c: Checker, local: number, { epoch }: FlowValue): FlowValue {
  const { type, width } = c.routine.locals[local]!;
  const range = width ? limits(width) : allOf(type);
  const presence = type.kind === "optional" ? "maybe" : "present";
  return { presence, ...(range ? { range } : {}), ...(epoch ? { epoch } : {}) };
}

/** Forgets the facts that a round may change. */
function forgetChanged(head: State, loop: Loop): void {
  if (someNode(loop.node.body, changesPacket)) forgetFacts(head, "packet", "length", "tag");
  if (someNode(loop.node.body, writesMemory)) forgetFacts(head, "packet", "local");
  for (const local of loop.assigned.keys()) forgetFactsThrough(head, local);
}

function changesPacket(node: Node): boolean {
  return node.kind === "operation" && operationNamed(node.operation)?.invalidatesPacket === true;
}

function writesMemory(node: Node): boolean {
  if (node.kind === "store" || node.kind === "copy") return true;
  const args = (node.kind === "operation" && operationNamed(node.operation)?.args) || [];
  return args.some(isWrittenLocal);
}

function runRound(c: Checker, loop: Loop, head: State, silent: boolean): Round {
  const round = { back: State.dead(), breaks: State.dead() };
  const walk = (): void => {
    c.state = head.copy();
    forgetFactsThrough(c.state, loop.node.local);
    c.state.assign(loop.node.local, { presence: "present", range: loop.counter });
    const { breaks, continues } = c.labelled(loop.node.label, () => runBody(c, loop.node.body));
    round.back = joinStates(c.state, continues);
    round.breaks = breaks;
  };
  if (silent) return { ...withRecord(c, walk), ...round };
  walk();
  return { ...round, record: c.record };
}

function withRecord(c: Checker, walk: () => void): { readonly record: Record } {
  return { record: c.silently(walk) };
}

/** A head that is no wider than before: the entry joined with the end of a round, within what additions can reach. */
function tighten(c: Checker, loop: Loop, round: Round, before: State): State {
  const joined = joinStates(loop.entry, round.back);
  const head = joined === loop.entry || joined === round.back ? joined.copy() : joined;
  const { trips, named } = loop;
  for (const [local, assignments] of loop.assigned) {
    const value = head.locals.get(local);
    const entry = loop.entry.locals.get(local);
    if (!value?.range || !entry) continue;
    const values =
      entry.range && valuesIn(c, local, { trips, record: round.record, entry: entry.range, assignments, named });
    let range = values ? meet(value.range, values) : value.range;
    const known = before.locals.get(local)?.range;
    if (range && known) range = meet(range, known);
    if (range) head.locals.set(local, { ...value, range });
  }
  head.locals.delete(loop.node.local);
  return head;
}
