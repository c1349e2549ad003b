import type { IntegerKind } from "../hir/arithmetic.ts";
import type { Expression } from "../hir/tree.ts";
import type { Assignment, Assignments } from "./assignments.ts";
import type { Checker, Record } from "./checker.ts";
import { contains, fullInterval, type Interval, interval, join, limits, meet, point } from "./interval.ts";

/** BPF_MAX_LOOPS, kernel/bpf/bpf_iter.c: the most rounds of `bpf_loop`. */
export const mostTrips = 1n << 23n;

/** What a walk over a loop's body, which knew nothing wrong, says about what all rounds do to one variable. */
export interface Rounds {
  readonly trips: bigint;
  readonly record: Record;
  /** The variable's range where the loop begins. */
  readonly entry: Interval;
  readonly assignments: readonly Assignment[];
  readonly named: Assignments["named"];
}

/** The same for one variable, with what is known of how others are made of it. */
interface Growth extends Rounds {
  readonly local: number;
  /** What named values add to the variable. */
  readonly added: Map<number, Interval | undefined>;
}

/** What an assignment does to its variable: it adds something to it, or it sets it to something else. */
interface Change {
  readonly kind: "add" | "set";
  readonly range: Interval;
  /** Of what is added and then converted: where the conversion changes nothing. */
  readonly exactIn?: Interval;
}

/** The values that a variable can have at any time in a loop and at its end, as far as its assignments tell. */
export function valuesIn(c: Checker, local: number, rounds: Rounds): Interval | undefined {
  const { kind } = c.routine.locals[local]!.type;
  if (kind !== "number" && kind !== "u64" && kind !== "i64") return undefined;
  const given = givenIn(rounds);
  const growth: Growth = { ...rounds, local, added: new Map() };
  const reached = reachedIn(kind, growth, true) ?? reachedIn(kind, growth, false);
  return reached ? meet(given, reached) : given;
}

/**
 * The entry's range and those of all values that a round assigns. More than the end of a round tells: on a way that
 * assigns nothing, that is as wide as the head was.
 */
function givenIn({ record, entry, assignments }: Rounds): Interval {
  // What has no range is never reached.
  const ranges = assignments.flatMap(({ statement }) => record.ranges.get(statement.value) ?? []);
  return ranges.reduce(join, entry);
}

/**
 * A variable's value is one that it had at first or was set to, and what was added since: each addition adds at most as
 * often as it runs in all rounds. That holds for additions to any earlier value of the variable, not only to its last.
 * `x = u8(x + 1)` adds as well if no sum of that kind leaves u8: then the conversion never changes a value, from the
 * first round on. Undefined where a conversion may, or u64 or i64 may wrap.
 */
function reachedIn(kind: IntegerKind, growth: Growth, through: boolean): Interval | undefined {
  let set = growth.entry;
  let [down, up] = [0n, 0n];
  const bounds: Interval[] = kind === "number" ? [] : [fullInterval(kind)];
  for (const assignment of growth.assignments) {
    const times = timesOf(assignment, growth);
    for (const change of changesBy(growth, assignment.statement.value, through)) {
      const { low, high } = change.range;
      if (change.exactIn) bounds.push(change.exactIn);
      if (change.kind === "set") set = join(set, change.range);
      if (change.kind === "add" && low < 0n) down += low * times;
      if (change.kind === "add" && high > 0n) up += high * times;
    }
  }
  const reached = interval(set.low + down, set.high + up);
  return bounds.every((bound) => contains(bound, reached)) ? reached : undefined;
}

function timesOf({ loops }: Assignment, { trips, record }: Rounds): bigint {
  return loops.reduce((product, inner) => product * (record.trips.get(inner) ?? mostTrips), trips);
}

/** What assigning an expression to the variable does to it, on each way through the expression that is reached. */
function changesBy(growth: Growth, node: Expression, through: boolean): readonly Change[] {
  const range = growth.record.ranges.get(node);
  if (!range) return [];
  if (node.kind === "conditional")
    return [node.then, node.otherwise].flatMap((side) => changesBy(growth, side, through));
  if (node.kind === "sequence") return changesBy(growth, node.value, through);
  const named = node.kind === "local" && node.local !== growth.local ? growth.named.get(node.local) : undefined;
  if (named) return changesBy(growth, named, through);
  if (node.kind === "convert" && node.to !== "bool") {
    const added = through ? addedBy(growth, node.value) : undefined;
    const exactIn = node.to === "number" ? fullInterval("number") : limits(node.to);
    return [added ? { kind: "add", range: added, exactIn } : { kind: "set", range }];
  }
  const added = addedBy(growth, node);
  return [added ? { kind: "add", range: added } : { kind: "set", range }];
}

/** What `x`, `x + e`, `x - e` or `x + e - f` adds to x; undefined for anything else, and where e is not reached. */
function addedBy(growth: Growth, node: Expression): Interval | undefined {
  if (node.kind === "local") return node.local === growth.local ? point(0n) : addedByNamed(growth, node.local);
  if (node.kind !== "binary" || (node.operator !== "add" && node.operator !== "subtract")) return undefined;
  const left = addedBy(growth, node.left);
  const right = left || node.operator === "subtract" ? undefined : addedBy(growth, node.right);
  const before = left ?? right;
  const other = left ? node.right : node.left;
  const range = before && growth.record.ranges.get(other);
  if (!range) return undefined;
  return node.operator === "add"
    ? interval(before.low + range.low, before.high + range.high)
    : interval(before.low - range.high, before.high - range.low);
}

function addedByNamed(growth: Growth, local: number): Interval | undefined {
  const value = growth.named.get(local);
  if (!value) return undefined;
  if (!growth.added.has(local)) growth.added.set(local, addedBy(growth, value));
  return growth.added.get(local);
}
