import type { Position } from "../hir/position.ts";
import { CopyOnWrite } from "./copy-on-write.ts";
import { type Interval, join, meet } from "./interval.ts";

/** The time between two changes of the packet. References made in an epoch are good in it only. */
export interface Epoch {
  /** Where the change stands that began it; undefined for the first. */
  readonly since: Position | undefined;
}

/** What is known about a value at one point. */
export interface FlowValue {
  /** For integers and bools (0 and 1), also those inside of an optional. */
  readonly range?: Interval;
  /** Of an optional; anything else is present. */
  readonly presence: "present" | "absent" | "maybe";
  /** For references into the packet: when they were made. */
  readonly epoch?: Epoch;
  /** For references to a live value: the index of its map. */
  readonly map?: number;
  /** The value that a timer's callback got: the one that holds the timer that called it. */
  readonly own?: true;
  /** Of a variable: which of its values this is. What a test adds keeps it, an assignment gives a new one. */
  readonly version?: object;
  /** For a bool that keeps a test, and an optional that depends on one: what they say about other variables. */
  readonly outcome?: Outcome;
}

type Locals = Pick<CopyOnWrite<number, FlowValue>, "get" | "forEach">;

/** The variables where a test was true (an optional present), where it was false (absent), and behind it. */
export interface Outcome {
  readonly yes: Locals | undefined;
  readonly no: Locals | undefined;
  readonly after: Locals;
}

/** What is known at one point of a program. Dead: no path leads here. */
export class State {
  readonly dead: boolean;
  epoch: Epoch;
  readonly locals: CopyOnWrite<number, FlowValue>;
  /** Ranges of things that are read more than once and do not change in between, by a key (`facts.ts`). */
  readonly facts: CopyOnWrite<string, Interval>;

  constructor(
    epoch: Epoch,
    locals = new CopyOnWrite<number, FlowValue>(),
    facts = new CopyOnWrite<string, Interval>(),
    dead = false,
  ) {
    this.epoch = epoch;
    this.locals = locals;
    this.facts = facts;
    this.dead = dead;
  }

  static dead(): State {
    return new State({ since: undefined }, undefined, undefined, true);
  }

  copy(): State {
    return new State(this.epoch, this.locals.copy(), this.facts.copy(), this.dead);
  }

  /** Gives a variable a new value. */
  assign(local: number, value: FlowValue): void {
    this.locals.set(local, { ...value, version: {} });
  }

  isStale(value: FlowValue): boolean {
    return value.epoch !== undefined && value.epoch !== this.epoch && value.presence !== "absent";
  }

  /** The packet was changed here. */
  changePacket(at: Position): void {
    this.epoch = { since: at };
  }
}

/**
 * Adds what a test found out about variables that have not been written since.
 *
 * @returns false when it cannot be: no path has that state.
 */
export function applyOutcome(state: State, side: Locals | undefined, after: Locals): boolean {
  let possible = true;
  side?.forEach((value, local) => {
    const current = state.locals.get(local);
    if (current?.version === undefined || current.version !== after.get(local)?.version) return;
    const both = bothHold(current, value);
    if (both && both !== current) state.locals.set(local, both);
    possible &&= both !== undefined;
  });
  return possible;
}

/** What two tests say about one value; undefined where they contradict each other. */
function bothHold(current: FlowValue, other: FlowValue): FlowValue | undefined {
  if (other.presence !== "maybe" && current.presence !== "maybe" && other.presence !== current.presence)
    return undefined;
  const presence = other.presence === "maybe" ? current.presence : other.presence;
  const range = current.range && other.range ? meet(current.range, other.range) : (current.range ?? other.range);
  if (!range && current.range) return undefined;
  if (presence === current.presence && range === current.range) return current;
  return { ...current, presence, ...(range ? { range } : {}) };
}

/** What holds on both of two paths that meet. */
export function joinStates(left: State, right: State): State {
  if (left.dead || left === right) return right;
  if (right.dead) return left;
  const epoch = left.epoch === right.epoch ? left.epoch : { since: later(left.epoch.since, right.epoch.since) };
  const sameFacts = left.facts.sharesWith(right.facts);
  const sameLocals = left.epoch === right.epoch && left.locals.sharesWith(right.locals);
  const joined = new State(epoch, left.locals.copy(), left.facts.copy());
  if (!sameLocals) {
    left.locals.forEach((value, local) => {
      const other = right.locals.get(local);
      const both = other && joinValues(value, left, other, right, joined);
      if (!both) joined.locals.delete(local);
      else if (both !== value) joined.locals.set(local, both);
    });
  }
  if (!sameFacts) {
    left.facts.forEach((range, key) => {
      const other = right.facts.get(key);
      if (!other) joined.facts.delete(key);
      else if (other !== range) joined.facts.set(key, join(range, other));
    });
  }
  return joined;
}

function later(left: Position | undefined, right: Position | undefined): Position | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return left > right ? left : right;
}

/** The value that arrives where two paths meet; a reference is good there if it was good on both. */
export function joinValues(
  left: FlowValue,
  leftState: State,
  right: FlowValue,
  rightState: State,
  joined: State,
): FlowValue {
  if (leftState.dead) return right;
  if (rightState.dead) return left;
  if (left === right && leftState.epoch === rightState.epoch) return left;
  const range = left.range && right.range ? join(left.range, right.range) : (left.range ?? right.range);
  const presence = left.presence === right.presence ? left.presence : "maybe";
  const epoch = joinEpochs(left, leftState, right, rightState, joined);
  const map = left.presence === "absent" ? right.map : right.presence === "absent" ? left.map : sameMap(left, right);
  return {
    presence,
    ...(range ? { range } : {}),
    ...(epoch ? { epoch } : {}),
    ...(map === undefined ? {} : { map }),
    ...(left.own && right.own ? { own: left.own } : {}),
    ...(left.outcome && left.outcome === right.outcome ? { outcome: left.outcome } : {}),
    version: (left.version === right.version && left.version) || {},
  };
}

function sameMap(left: FlowValue, right: FlowValue): number | undefined {
  return left.map === right.map ? left.map : undefined;
}

function joinEpochs(
  left: FlowValue,
  leftState: State,
  right: FlowValue,
  rightState: State,
  joined: State,
): Epoch | undefined {
  if (leftState.isStale(left)) return left.epoch;
  if (rightState.isStale(right)) return right.epoch;
  return left.epoch || right.epoch ? joined.epoch : undefined;
}

export const present: FlowValue = { presence: "present" };

export function integerValue(range: Interval): FlowValue {
  return { presence: "present", range };
}
