import type { Box, FieldDomain, Interval } from "./rules.ts";

/**
 * A decision over the fields of a packet: comparisons with constants only, so that the whole list of rules becomes
 * straight code. Nodes:
 * - `leaf`: the rule that matches, or none;
 * - `split`: fields below or equal `at` go left, others right;
 * - `test`: whether a field lies in an interval, for the last few rules of a region;
 * - `least`: several trees over disjoint sets of rules, of which the smallest match counts.
 */
export type Decision = Leaf | Split | Test | Least;

export interface Leaf {
  readonly kind: "leaf";
  readonly rule: number | undefined;
}

export interface Split {
  readonly kind: "split";
  readonly field: number;
  readonly at: number;
  readonly left: Decision;
  readonly right: Decision;
}

export interface Test {
  readonly kind: "test";
  readonly field: number;
  readonly interval: Interval;
  readonly then: Decision;
  readonly otherwise: Decision;
}

export interface Least {
  readonly kind: "least";
  /** In the order in which they are tried. */
  readonly trees: readonly Decision[];
}

export interface TreeOptions {
  /** Up to this many rules are tested one after the other. */
  readonly leafRules: number;
  /** How many nodes there may be for each box: what bounds the copies of wide rules. */
  readonly nodesPerBox: number;
}

export const defaultTreeOptions: TreeOptions = { leafRules: 4, nodesPerBox: 4 };

/** Builds the decision for a list of boxes in the order of their rules. Deterministic. */
export function buildDecision(
  fields: readonly FieldDomain[],
  boxes: readonly Box[],
  options: TreeOptions = defaultTreeOptions,
): Decision {
  const tries = groupings(fields, boxes).map((groups) => {
    const trees = groups.map((group) => new TreeBuilder(fields, group, options).run());
    return { trees, cost: trees.reduce((sum, tree) => sum + costOfTree + averageCost(tree), 0) };
  });
  const { trees } = tries.reduce((best, one) => (one.cost < best.cost ? one : best));
  return trees.length === 1 ? trees[0]! : { kind: "least", trees };
}

/** What a tree costs besides its comparisons, in comparisons: the call, and the least of its result and the others'. */
const costOfTree = 6;

/** Code for this many nodes is as good as none: a comparison more costs less than a miss in the caches. */
const freeNodes = 30_000;

/**
 * Comparisons on the way to a leaf, all cuts as likely to go either way, and what a tree of that size costs beside: too
 * large ones slow the load and the processor down.
 */
function averageCost(root: Decision): number {
  const known = new Map<Decision, number>();
  const cost = (node: Decision): number => {
    let found = known.get(node);
    if (found === undefined) known.set(node, (found = costOf(node, cost)));
    return found;
  };
  return cost(root) * Math.max(1, known.size / freeNodes);
}

const testsThatHold = 0.1;

function costOf(node: Decision, inner: (node: Decision) => number): number {
  switch (node.kind) {
    case "leaf":
      return 0;
    case "split":
      return 1 + (inner(node.left) + inner(node.right)) / 2;
    case "test":
      return 1.5 + inner(node.then) * testsThatHold + inner(node.otherwise) * (1 - testsThatHold);
    case "least":
      return node.trees.reduce((sum, tree) => sum + costOfTree + inner(tree), 0);
  }
}

/**
 * Ways to spread the boxes over trees, all in one among them. Wide boxes are copied into every part of a field that
 * narrow ones cut up; boxes that are wide in such a field get a tree of their own in some of the ways (EffiCuts,
 * SIGCOMM 2010). Which way is the cheapest is then counted, not guessed.
 */
function groupings(fields: readonly FieldDomain[], boxes: readonly Box[]): readonly (readonly (readonly Box[])[])[] {
  if (boxes.length < fewestToSpread) return [[boxes]];
  const mixed = [...fields.keys()].filter((field) => isMixed(fields[field]!, boxes, field));
  const one = mixed.map((field) => [field]);
  const two = mixed.flatMap((field, index) => mixed.slice(index + 1).map((other) => [field, other]));
  return [[], ...one, ...two].map((separating) => groupByWidth(fields, boxes, separating));
}

const fewestToSpread = 24;

/** Whether some boxes are wide in the field and others cut it into many parts. */
function isMixed(field: FieldDomain, boxes: readonly Box[], index: number): boolean {
  const wide = boxes.filter((box) => isWide(box.intervals[index]!, field)).length;
  const ends = new Set(boxes.map((box) => box.intervals[index]!.high));
  return wide > boxes.length / 20 && wide < boxes.length && ends.size > 8;
}

function groupByWidth(
  fields: readonly FieldDomain[],
  boxes: readonly Box[],
  separating: readonly number[],
): readonly (readonly Box[])[] {
  const groups = new Map<string, Box[]>();
  for (const box of boxes) {
    const key = separating.map((field) => (isWide(box.intervals[field]!, fields[field]!) ? "*" : "x")).join("");
    const group = groups.get(key);
    if (group) group.push(box);
    else groups.set(key, [box]);
  }
  return [...groups.values()].sort((a, b) => a[0]!.rule - b[0]!.rule);
}

/** Half of a field's values or more. */
function isWide(interval: Interval, field: FieldDomain): boolean {
  return (interval.high - interval.low) * 2 >= field.high;
}

/** Where boxes begin and end in a field, so that intervals become small integers: part n ends at `ends[n]`. */
interface Axis {
  readonly ends: readonly number[];
  /** First and last part of each box. */
  readonly low: Int32Array;
  readonly high: Int32Array;
}

function axisOf(field: FieldDomain, boxes: readonly Box[], index: number): Axis {
  const found = new Set<number>([field.high]);
  for (const { intervals } of boxes) {
    const { low, high } = intervals[index]!;
    if (low > 0) found.add(low - 1);
    found.add(high);
  }
  const ends = [...found].sort((a, b) => a - b);
  const parts = new Map(ends.map((end, part) => [end, part]));
  return {
    ends,
    low: Int32Array.from(boxes, ({ intervals }) => {
      const { low } = intervals[index]!;
      return low === 0 ? 0 : parts.get(low - 1)! + 1;
    }),
    high: Int32Array.from(boxes, ({ intervals }) => parts.get(intervals[index]!.high)!),
  };
}

/** The parts of each field that a node is about. */
interface Region {
  readonly low: readonly number[];
  readonly high: readonly number[];
}

class TreeBuilder {
  readonly #boxes: readonly Box[];
  readonly #axes: readonly Axis[];
  readonly #leafRules: number;
  #budget: number;

  constructor(fields: readonly FieldDomain[], boxes: readonly Box[], options: TreeOptions) {
    this.#boxes = boxes;
    this.#axes = fields.map((field, index) => axisOf(field, boxes, index));
    this.#leafRules = options.leafRules;
    this.#budget = 64 + boxes.length * options.nodesPerBox;
  }

  run(): Decision {
    const region = { low: this.#axes.map(() => 0), high: this.#axes.map(({ ends }) => ends.length - 1) };
    return this.#node(Int32Array.from(this.#boxes.keys()), region);
  }

  #node(boxes: Int32Array, region: Region): Decision {
    const live = this.#visible(boxes, region);
    const [first] = live;
    if (first === undefined) return { kind: "leaf", rule: undefined };
    if (this.#covers(first, region)) return { kind: "leaf", rule: this.#boxes[first]!.rule };
    const cut = live.length > this.#leafRules && this.#budget > 0 ? this.#bestCut(live, region) : undefined;
    if (!cut) return this.#chain(live, region, 0);
    this.#budget -= 1;
    const { field, at } = cut;
    return {
      kind: "split",
      field,
      at: this.#axes[field]!.ends[at]!,
      left: this.#node(live, { ...region, high: region.high.with(field, at) }),
      right: this.#node(live, { ...region, low: region.low.with(field, at + 1) }),
    };
  }

  /** The boxes that can still win here: those behind one that takes the whole region cannot. */
  #visible(boxes: Int32Array, region: Region): Int32Array {
    const live = new Int32Array(boxes.length);
    let count = 0;
    for (const box of boxes) {
      if (!this.#overlaps(box, region)) continue;
      live[count++] = box;
      if (this.#covers(box, region)) break;
    }
    return live.subarray(0, count);
  }

  #overlaps(box: number, { low, high }: Region): boolean {
    return this.#axes.every((axis, field) => axis.low[box]! <= high[field]! && axis.high[box]! >= low[field]!);
  }

  #covers(box: number, { low, high }: Region): boolean {
    return this.#axes.every((axis, field) => axis.low[box]! <= low[field]! && axis.high[box]! >= high[field]!);
  }

  /** One rule after the other; within a rule only the fields that the region leaves open. */
  #chain(boxes: Int32Array, region: Region, index: number): Decision {
    const box = boxes[index];
    if (box === undefined) return { kind: "leaf", rule: undefined };
    const { rule, intervals } = this.#boxes[box]!;
    const open = [...intervals.keys()].filter((field) => {
      const axis = this.#axes[field]!;
      return axis.low[box]! > region.low[field]! || axis.high[box]! < region.high[field]!;
    });
    if (open.length === 0) return { kind: "leaf", rule };
    const next = this.#chain(boxes, region, index + 1);
    return open.reduceRight<Decision>(
      (then, field) => ({ kind: "test", field, interval: intervals[field]!, then, otherwise: next }),
      { kind: "leaf", rule },
    );
  }

  /** The cut whose larger side is smallest, copies counted; undefined when no cut makes a side smaller. */
  #bestCut(live: Int32Array, region: Region): { readonly field: number; readonly at: number } | undefined {
    let best: { readonly field: number; readonly at: number; readonly cost: number } | undefined;
    for (const [field, axis] of this.#axes.entries()) {
      for (const at of candidateCuts(axis, live, region.low[field]!, region.high[field]!)) {
        let left = 0;
        let right = 0;
        for (const box of live) {
          if (axis.low[box]! <= at) left += 1;
          if (axis.high[box]! > at) right += 1;
        }
        if (left === live.length && right === live.length) continue;
        const cost = Math.max(left, right) + left + right - live.length;
        if (!best || cost < best.cost) best = { field, at, cost };
      }
    }
    return best;
  }
}

/** How many boundaries of a field are tried. */
const candidates = 15;

/** Parts behind which some box begins or ends, evenly spread where there are many. */
function candidateCuts(axis: Axis, live: Int32Array, low: number, high: number): readonly number[] {
  const found = new Set<number>();
  for (const box of live) {
    if (axis.low[box]! > low) found.add(axis.low[box]! - 1);
    if (axis.high[box]! < high) found.add(axis.high[box]!);
  }
  if (found.size <= candidates) return [...found];
  const sorted = Int32Array.from(found).sort();
  const step = sorted.length / (candidates + 1);
  return Array.from({ length: candidates }, (_, i) => sorted[Math.floor((i + 1) * step)]!);
}

/** What a decision gives for a packet's fields: the meaning of a tree, for tests and the interpreter. */
export function decide(decision: Decision, values: readonly number[]): number | undefined {
  switch (decision.kind) {
    case "leaf":
      return decision.rule;
    case "split":
      return decide(values[decision.field]! <= decision.at ? decision.left : decision.right, values);
    case "test": {
      const value = values[decision.field]!;
      const inside = decision.interval.low <= value && value <= decision.interval.high;
      return decide(inside ? decision.then : decision.otherwise, values);
    }
    case "least": {
      const matches = decision.trees.map((tree) => decide(tree, values)).filter((rule) => rule !== undefined);
      return matches.length > 0 ? Math.min(...matches) : undefined;
    }
  }
}
