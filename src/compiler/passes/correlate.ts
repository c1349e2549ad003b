import { dominatorsOf } from "../ir/dominators.ts";
import { type Graph, graphOf } from "../ir/graph.ts";
import { type Block, type CompareOp, compareOps, type IrFunction, type Terminator, type Value } from "../ir/ir.ts";
import { constantOf, type Definitions, definitionsOf } from "./definitions.ts";
import { pairKey } from "./pair-key.ts";

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

/**
 * Visits the blocks down the dominator tree with what the branches above settle. `facts` is the same object at each
 * visit. No recursion: trees may be deep.
 */
export function forEachBlockWithFacts(
  graph: Graph,
  definitions: Definitions,
  visit: (block: Block, facts: Facts) => void,
): void {
  const dominators = dominatorsOf(graph);
  const facts = new Facts();
  const [entry] = graph.order;
  const work: { readonly id: number; readonly before: number }[] = entry ? [{ id: entry.id, before: 0 }] : [];
  for (let next = work.pop(); next; next = work.pop()) {
    const block = graph.blocks[next.id]!;
    facts.rewind(next.before);
    learn(graph, definitions, block, facts);
    for (const id of dominators.children[next.id]!) work.push({ id, before: facts.count });
    visit(block, facts);
  }
}

interface Interval {
  readonly low: bigint;
  readonly high: bigint;
}

type PairKey = ReturnType<typeof pairKey>;

/** A fact that was learned, and what was known in its place before. */
interface Learned {
  readonly facts: Map<unknown, unknown>;
  readonly key: unknown;
  readonly before: unknown;
}

/** What is known at the end of a block. Learned in the order of the dominator tree, forgotten in the opposite one. */
export class Facts {
  /** Unsigned bounds of values. */
  readonly #intervals = new Map<Value, Interval>();
  /** How many bytes behind a base are known to lie before an end: key of the pair (base, end). */
  readonly #inside = new Map<PairKey, bigint>();
  /** Outcomes of comparisons: key of the pair (left, right). */
  readonly #outcomes = new Map<PairKey, boolean>();
  readonly #learned: Learned[] = [];

  /** How much was learned: what `rewind` goes back to. */
  get count(): number {
    return this.#learned.length;
  }

  /** Forgets what was learned since there were `count` facts. */
  rewind(count: number): void {
    while (this.#learned.length > count) {
      const { facts, key, before } = this.#learned.pop()!;
      if (before === undefined) facts.delete(key);
      else facts.set(key, before);
    }
  }

  interval(value: Value): Interval | undefined {
    return this.#intervals.get(value);
  }

  /** How many bytes behind the base are known to lie before the end; -1 when nothing is. */
  inside({ base, end }: Check): bigint {
    return this.#inside.get(pairKey(0, base, end)) ?? -1n;
  }

  outcome(key: PairKey): boolean | undefined {
    return this.#outcomes.get(key);
  }

  learnInterval(value: Value, interval: Interval): void {
    this.#learn(this.#intervals, value, interval);
  }

  learnInside({ base, end, size }: Check): void {
    this.#learn(this.#inside, pairKey(0, base, end), size);
  }

  learnOutcome(key: PairKey, holds: boolean): void {
    this.#learn(this.#outcomes, key, holds);
  }

  #learn<K, V>(facts: Map<K, V>, key: K, fact: V): void {
    this.#learned.push({ facts: facts as Map<unknown, unknown>, key, before: facts.get(key) });
    facts.set(key, fact);
  }
}

const whole: Interval = { low: 0n, high: (1n << 64n) - 1n };

/** What the only edge into a block says. */
function learn(graph: Graph, definitions: Definitions, block: Block, facts: Facts): void {
  const predecessors = graph.predecessors[block.id]!;
  if (predecessors.length !== 1) return;
  const branch = graph.blocks[predecessors[0]!]!.terminator;
  if (branch.kind !== "branch" || branch.then.block === branch.otherwise.block) return;
  learnEdge(definitions, facts, branch, branch.then.block === block.id);
}

/** Adds what is known on one side of a branch. */
export function learnEdge(definitions: Definitions, facts: Facts, branch: Branch, holds: boolean): void {
  if (branch.width !== 64) return;
  facts.learnOutcome(...outcomeOf(branch, holds));
  const bound = constantOf(definitions, branch.right);
  if (bound === undefined) {
    const check = holds ? boundsCheck(definitions, branch) : undefined;
    if (check && check.size > facts.inside(check)) facts.learnInside(check);
    return;
  }
  const op = holds ? branch.op : negated[branch.op];
  const interval = op && narrowed(facts.interval(branch.left) ?? whole, op, bound);
  if (interval) facts.learnInterval(branch.left, interval);
}

/** A comparison and its negation are one question. */
function outcomeOf({ op, left, right }: Branch, holds: boolean): readonly [key: PairKey, holds: boolean] {
  const positive = op === "ne" || op === "uge" || op === "ugt" ? negated[op] : undefined;
  return [pairKey(compareOps.indexOf(positive ?? op), left, right), positive ? !holds : holds];
}

/** `base + size <= end` */
export interface Check {
  readonly base: Value;
  readonly end: Value;
  readonly size: bigint;
}

/** A comparison of the form `base + constant <= end`. */
export function boundsCheck(definitions: Definitions, { op, left, right }: Branch): Check | undefined {
  const limit = definitions[left];
  if (op !== "ule" || limit?.kind !== "address") return undefined;
  const size = constantOf(definitions, limit.index);
  return size === undefined ? undefined : { base: limit.base, end: right, size };
}

/** The outcome of a branch where these facts hold; undefined when it is open. */
export function settled(definitions: Definitions, facts: Facts, branch: Branch): boolean | undefined {
  if (branch.width !== 64) return undefined;
  const [key, positive] = outcomeOf(branch, true);
  const outcome = facts.outcome(key);
  if (outcome !== undefined) return outcome === positive;
  const bound = constantOf(definitions, branch.right);
  if (bound !== undefined) return decided(facts.interval(branch.left) ?? whole, branch.op, bound);
  const check = boundsCheck(definitions, branch);
  return check && check.size <= facts.inside(check) ? true : undefined;
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
