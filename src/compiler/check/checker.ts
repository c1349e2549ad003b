import type { Position } from "../hir/position.ts";
import type { Expression, ForStatement, Module, Routine, Statement } from "../hir/tree.ts";
import { childrenOf, type Node } from "../hir/walk.ts";
import type { Finding } from "./findings.ts";
import { staleReference } from "./findings.ts";
import { type Interval, join } from "./interval.ts";
import { type FlowValue, joinStates, State } from "./state.ts";

/** Statements and expressions that the check of one program or callback may visit, loop bodies several times. */
const maxVisits = 3_000_000;

/** The check was given up. */
export class TooLarge extends Error {
  override readonly name = "TooLarge";
}

/** What a walk over a part of a program found out about it. */
export interface Record {
  readonly ranges: Map<Expression, Interval>;
  /** The most rounds of each loop. */
  readonly trips: Map<ForStatement, bigint>;
}

interface Target {
  breaks: State;
  continues: State;
}

/**
 * The state of checking one program or callback: an abstract interpretation, in the order of evaluation. `state` is
 * what holds at the place that is being looked at.
 */
export class Checker {
  readonly module: Module;
  readonly routine: Routine;
  state = new State({ since: undefined });
  record: Record = { ranges: new Map(), trips: new Map() };
  readonly #findings = new Map<string, Finding>();
  #targets = new Map<number, Target>();
  readonly #assigning = new WeakMap<Node, boolean>();
  #silent = 0;
  #visits = 0;

  constructor(module: Module, routine: Routine) {
    this.module = module;
    this.routine = routine;
  }

  get findings(): readonly Finding[] {
    return [...this.#findings.values()];
  }

  /** Reports once for each code and place, and never about what no path leads to. */
  report(finding: Finding): void {
    if (this.#silent > 0 || this.state.dead) return;
    const key = `${finding.code} ${finding.at}`;
    if (!this.#findings.has(key)) this.#findings.set(key, finding);
  }

  visit(): void {
    if (++this.#visits > maxVisits) throw new TooLarge();
  }

  note(node: Expression, range: Interval): void {
    if (this.state.dead) return;
    const before = this.record.ranges.get(node);
    this.record.ranges.set(node, before ? join(before, range) : range);
  }

  noteTrips(node: ForStatement, trips: bigint): void {
    const before = this.record.trips.get(node) ?? 0n;
    this.record.trips.set(node, trips > before ? trips : before);
  }

  /**
   * Walks without reporting; gives what was found out on the way. Jumps out of what is walked are left to the walk that
   * reports: it knows more about what holds there.
   */
  silently(walk: () => void): Record {
    const outer = this.record;
    const targets = this.#targets;
    this.#targets = new Map();
    const record: Record = { ranges: new Map(), trips: new Map() };
    this.record = record;
    this.#silent++;
    walk();
    this.#silent--;
    this.record = outer;
    this.#targets = targets;
    return record;
  }

  /** Runs `body`, which `break label` and `continue label` may leave; gives the states of both. */
  labelled(label: number, body: () => void): Target {
    const target: Target = { breaks: State.dead(), continues: State.dead() };
    const before = this.#targets.get(label);
    this.#targets.set(label, target);
    body();
    if (before) this.#targets.set(label, before);
    else this.#targets.delete(label);
    return target;
  }

  jump(label: number, way: "breaks" | "continues"): void {
    const target = this.#targets.get(label);
    if (target) target[way] = joinStates(target[way], this.state);
    this.state = State.dead();
  }

  /** Reports when a reference that was evaluated before went stale until its use. */
  use(value: FlowValue, at: Position): void {
    if (this.state.isStale(value)) this.report(staleReference(at, this.state.epoch.since));
  }

  /** Whether evaluating a node may give a local another value. */
  assigns(node: Node): boolean {
    const known = this.#assigning.get(node);
    if (known !== undefined) return known;
    const found = node.kind === "assign" || childrenOf(node).some((child) => this.assigns(child));
    this.#assigning.set(node, found);
    return found;
  }

  /** Forgets what a list of statements declared: it is out of sight behind the list. */
  forget(body: readonly Statement[], ...states: readonly State[]): void {
    for (const statement of body) {
      if (statement.kind !== "let") continue;
      for (const state of states) state.locals.delete(statement.local);
    }
  }
}
