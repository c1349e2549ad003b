import type { IntegerKind } from "../hir/arithmetic.ts";
import type { Expression } from "../hir/tree.ts";
import { someNode } from "../hir/walk.ts";
import type { Assignment } from "./assignments.ts";
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
  const reached = reachedIn(c, kind, rounds, true) ?? reachedIn(c, kind, rounds, false);
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
 * A variable's value is what it was at first or what it was set to last, and all that was added since: at most as often
 * as each addition runs in all rounds. `x = u8(x + 1)` adds as well if no sum of that kind leaves u8: then the
 * conversion never changes a value, from the first round on. Undefined where a conversion may, or u64 or i64 may wrap.
 */
function reachedIn(c: Checker, kind: IntegerKind, rounds: Rounds, through: boolean): Interval | undefined {
  let set = rounds.entry;
  let [down, up] = [0n, 0n];
  const bounds: Interval[] = kind === "number" ? [] : [fullInterval(kind)];
  for (const assignment of rounds.assignments) {
    const times = timesOf(assignment, rounds);
    for (const change of changesBy(c, assignment, assignment.statement.value, rounds.record, through)) {
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

/** What assigning an expression to a variable does to it, on each way through the expression that is reached. */
function changesBy(c: Checker, to: Assignment, node: Expression, record: Record, through: boolean): readonly Change[] {
  const range = record.ranges.get(node);
  if (!range) return [];
  if (node.kind === "conditional")
    return [node.then, node.otherwise].flatMap((side) => changesBy(c, to, side, record, through));
  if (node.kind === "sequence") return changesBy(c, to, node.value, record, through);
  if (node.kind === "convert" && node.to !== "bool") {
    const added = through ? addedBy(c, to, node.value, record) : undefined;
    const exactIn = node.to === "number" ? fullInterval("number") : limits(node.to);
    return [added ? { kind: "add", range: added, exactIn } : { kind: "set", range }];
  }
  const added = addedBy(c, to, node, record);
  return [added ? { kind: "add", range: added } : { kind: "set", range }];
}

/** What `x`, `x + e`, `x - e` or `x + e - f` adds to x; undefined for anything else, and where nothing is known of e. */
function addedBy(c: Checker, to: Assignment, node: Expression, record: Record): Interval | undefined {
  if (node.kind === "local") return isSame(to, node.local) ? point(0n) : undefined;
  if (node.kind !== "binary" || (node.operator !== "add" && node.operator !== "subtract")) return undefined;
  const left = addedBy(c, to, node.left, record);
  const right = left || node.operator === "subtract" ? undefined : addedBy(c, to, node.right, record);
  const before = left ?? right;
  const other = left ? node.right : node.left;
  const range = before && record.ranges.get(other);
  // An operand that assigns the variable itself would be a change of its own in between.
  if (!range || mayAssign(c, other, to.statement.local)) return undefined;
  return node.operator === "add"
    ? interval(before.low + range.low, before.high + range.high)
    : interval(before.low - range.high, before.high - range.low);
}

function isSame({ statement, copies }: Assignment, local: number): boolean {
  return local === statement.local || copies.includes(local);
}

function mayAssign(c: Checker, node: Expression, local: number): boolean {
  return c.assigns(node) && someNode([node], (inner) => inner.kind === "assign" && inner.local === local);
}
