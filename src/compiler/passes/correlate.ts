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
  const graph = graphOf(fn);
  const dominators = dominatorsOf(graph);
  const definitions = definitionsOf(fn);
  let changed = false;
  const visit = (id: number, inherited: Facts): void => {
    const block = graph.blocks[id]!;
    const facts = learn(graph, definitions, block, inherited);
    if (block.terminator.kind === "branch") {
      const taken = settled(definitions, facts, block.terminator);
      if (taken !== undefined) {
        const { then, otherwise, at } = block.terminator;
        block.terminator = { kind: "jump", to: taken ? then : otherwise, at };
        changed = true;
      }
    }
    for (const child of dominators.children[id]!) visit(child, facts);
  };
  const [entry] = graph.order;
  if (entry) visit(entry.id, noFacts);
  if (changed) fn.blocks = [...graphOf(fn).order];
  return changed;
}

interface Interval {
  readonly low: bigint;
  readonly high: bigint;
}

interface Facts {
  /** Unsigned bounds of values. */
  readonly intervals: ReadonlyMap<Value, Interval>;
  /** How many bytes behind a base are known to lie before an end: key "base end". */
  readonly inside: ReadonlyMap<string, bigint>;
  /** Outcomes of comparisons of two values that are not constants: key "op left right". */
  readonly outcomes: ReadonlyMap<string, boolean>;
}

const noFacts: Facts = { intervals: new Map(), inside: new Map(), outcomes: new Map() };
const whole: Interval = { low: 0n, high: (1n << 64n) - 1n };

/** What the only edge into a block says. */
function learn(graph: Graph, definitions: Definitions, block: Block, facts: Facts): Facts {
  const [from, ...others] = graph.predecessors[block.id]!;
  if (from === undefined || others.length > 0) return facts;
  const branch = graph.blocks[from]!.terminator;
  if (branch.kind !== "branch" || branch.width !== 64 || branch.then.block === branch.otherwise.block) return facts;
  const holds = branch.then.block === block.id;
  const bound = constantOf(definitions, branch.right);
  if (bound === undefined) return learnPair(definitions, facts, branch, holds);
  const op = holds ? branch.op : negated[branch.op];
  const known = facts.intervals.get(branch.left) ?? whole;
  const interval = op && narrowed(known, op, bound);
  if (!interval) return facts;
  return { ...facts, intervals: new Map(facts.intervals).set(branch.left, interval) };
}

function learnPair(definitions: Definitions, facts: Facts, branch: Branch, holds: boolean): Facts {
  const outcomes = new Map(facts.outcomes).set(pairKey(branch), holds);
  const check = boundsCheck(definitions, branch);
  if (!check || !holds) return { ...facts, outcomes };
  const key = `${check.base} ${check.end}`;
  const known = facts.inside.get(key) ?? 0n;
  const inside = check.size > known ? new Map(facts.inside).set(key, check.size) : facts.inside;
  return { ...facts, outcomes, inside };
}

function pairKey({ op, left, right }: Branch): string {
  return `${op} ${left} ${right}`;
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

function settled(definitions: Definitions, facts: Facts, branch: Branch): boolean | undefined {
  if (branch.width !== 64) return undefined;
  const bound = constantOf(definitions, branch.right);
  if (bound !== undefined) return decided(facts.intervals.get(branch.left) ?? whole, branch.op, bound);
  const check = boundsCheck(definitions, branch);
  const inside = check && facts.inside.get(`${check.base} ${check.end}`);
  if (check && inside !== undefined && check.size <= inside) return true;
  return facts.outcomes.get(pairKey(branch));
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
