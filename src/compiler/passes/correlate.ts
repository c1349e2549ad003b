import { dominatorsOf } from "../ir/dominators.ts";
import { type Graph, graphOf } from "../ir/graph.ts";
import type { Block, CompareOp, IrFunction, Terminator, Value } from "../ir/ir.ts";
import { constantOf, type Definitions, definitionsOf } from "./definitions.ts";

type Branch = Extract<Terminator, { kind: "branch" }>;

/**
 * Branches whose outcome a dominating branch has settled: a value compared with constants before, the very same
 * comparison, and packet bounds checks (whoever knows that `base + 34` is inside knows it of `base + 14`).
 */
export function correlateBranches(fn: IrFunction): boolean {
  const definitions = definitionsOf(fn);
  let changed = false;
  forEachBlockWithFacts(graphOf(fn), definitions, (block, facts) => {
    if (block.terminator.kind !== "branch") return;
    const taken = settled(definitions, facts, block.terminator);
    if (taken === undefined) return;
    const { then, otherwise, at } = block.terminator;
    block.terminator = { kind: "jump", to: taken ? then : otherwise, at };
    changed = true;
  });
  if (changed) fn.blocks = [...graphOf(fn).order];
  return changed;
}

/** Visits the blocks down the dominator tree with what the branches above settle. No recursion: trees may be deep. */
export function forEachBlockWithFacts(
  graph: Graph,
  definitions: Definitions,
  visit: (block: Block, facts: Facts) => void,
): void {
  const dominators = dominatorsOf(graph);
  const [entry] = graph.order;
  const work: { readonly id: number; readonly inherited: Facts }[] = entry
    ? [{ id: entry.id, inherited: noFacts }]
    : [];
  for (let next = work.pop(); next; next = work.pop()) {
    const block = graph.blocks[next.id]!;
    const facts = learn(graph, definitions, block, next.inherited);
    // Children first: a visit may replace the terminator that their facts come from.
    for (const id of dominators.children[next.id]!) work.push({ id, inherited: facts });
    visit(block, facts);
  }
}

interface Interval {
  readonly low: bigint;
  readonly high: bigint;
}

/** What is known at the end of a block. */
export interface Facts {
  /** Unsigned bounds of values. */
  readonly intervals: ReadonlyMap<Value, Interval>;
  /** How many bytes behind a base are known to lie before an end: key "base end". */
  readonly inside: ReadonlyMap<string, bigint>;
  /** Outcomes of comparisons: key "op left right". */
  readonly outcomes: ReadonlyMap<string, boolean>;
}

const noFacts: Facts = { intervals: new Map(), inside: new Map(), outcomes: new Map() };
const whole: Interval = { low: 0n, high: (1n << 64n) - 1n };

/** What the only edge into a block says. */
function learn(graph: Graph, definitions: Definitions, block: Block, facts: Facts): Facts {
  const [from, ...others] = graph.predecessors[block.id]!;
  if (from === undefined || others.length > 0) return facts;
  const branch = graph.blocks[from]!.terminator;
  if (branch.kind !== "branch" || branch.then.block === branch.otherwise.block) return facts;
  return learnEdge(definitions, facts, branch, branch.then.block === block.id);
}

/** What is known on one side of a branch. */
export function learnEdge(definitions: Definitions, facts: Facts, branch: Branch, holds: boolean): Facts {
  if (branch.width !== 64) return facts;
  const told = { ...facts, outcomes: new Map(facts.outcomes).set(...outcomeOf(branch, holds)) };
  const bound = constantOf(definitions, branch.right);
  if (bound === undefined) return holds ? learnBounds(definitions, told, branch) : told;
  const op = holds ? branch.op : negated[branch.op];
  const known = facts.intervals.get(branch.left) ?? whole;
  const interval = op && narrowed(known, op, bound);
  return interval ? { ...told, intervals: new Map(facts.intervals).set(branch.left, interval) } : told;
}

function learnBounds(definitions: Definitions, facts: Facts, branch: Branch): Facts {
  const check = boundsCheck(definitions, branch);
  if (!check) return facts;
  const key = `${check.base} ${check.end}`;
  const known = facts.inside.get(key) ?? 0n;
  return check.size > known ? { ...facts, inside: new Map(facts.inside).set(key, check.size) } : facts;
}

/** A comparison and its negation are one question. */
function outcomeOf({ op, left, right }: Branch, holds: boolean): readonly [key: string, holds: boolean] {
  const positive = op === "ne" || op === "uge" || op === "ugt" ? negated[op] : undefined;
  return positive ? [`${positive} ${left} ${right}`, !holds] : [`${op} ${left} ${right}`, holds];
}

/** A comparison of the form `base + constant <= end`. */
export function boundsCheck(
  definitions: Definitions,
  { op, left, right }: Branch,
): { readonly base: Value; readonly end: Value; readonly size: bigint } | undefined {
  const limit = definitions[left];
  if (op !== "ule" || limit?.kind !== "address") return undefined;
  const size = constantOf(definitions, limit.index);
  return size === undefined ? undefined : { base: limit.base, end: right, size };
}

/** The outcome of a branch where these facts hold; undefined when it is open. */
export function settled(definitions: Definitions, facts: Facts, branch: Branch): boolean | undefined {
  if (branch.width !== 64) return undefined;
  const [key, positive] = outcomeOf(branch, true);
  const outcome = facts.outcomes.get(key);
  if (outcome !== undefined) return outcome === positive;
  const bound = constantOf(definitions, branch.right);
  if (bound !== undefined) return decided(facts.intervals.get(branch.left) ?? whole, branch.op, bound);
  const check = boundsCheck(definitions, branch);
  const inside = check && facts.inside.get(`${check.base} ${check.end}`);
  return check && inside !== undefined && check.size <= inside ? true : undefined;
}

const negated: Readonly<Partial<Record<CompareOp, CompareOp>>> = {
  eq: "ne",
  ne: "eq",
  ult: "uge",
  ule: "ugt",
  ugt: "ule",
  uge: "ult",
};

function narrowed({ low, high }: Interval, op: CompareOp, bound: bigint): Interval | undefined {
  switch (op) {
    case "eq":
      return { low: bound, high: bound };
    case "ne":
      if (bound === low) return { low: low + 1n, high };
      return bound === high ? { low, high: high - 1n } : undefined;
    case "ult":
      return { low, high: least(high, bound - 1n) };
    case "ule":
      return { low, high: least(high, bound) };
    case "ugt":
      return { low: greatest(low, bound + 1n), high };
    case "uge":
      return { low: greatest(low, bound), high };
    default:
      return undefined;
  }
}

function least(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function greatest(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function decided({ low, high }: Interval, op: CompareOp, bound: bigint): boolean | undefined {
  const always = (yes: boolean, no: boolean): boolean | undefined => (yes ? true : no ? false : undefined);
  switch (op) {
    case "eq":
      return always(low === bound && high === bound, bound < low || bound > high);
    case "ne":
      return always(bound < low || bound > high, low === bound && high === bound);
    case "ult":
      return always(high < bound, low >= bound);
    case "ule":
      return always(high <= bound, low > bound);
    case "ugt":
      return always(low > bound, high <= bound);
    case "uge":
      return always(low >= bound, high < bound);
    default:
      return undefined;
  }
}
