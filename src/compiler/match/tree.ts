import { type Box, contains, type FieldDomain, type Interval, overlaps } from "./rules.ts";

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
  readonly at: bigint;
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

export const defaultTreeOptions: TreeOptions = { leafRules: 3, nodesPerBox: 6 };

/** Builds the decision for a list of boxes in the order of their rules. Deterministic. */
export function buildDecision(
  fields: readonly FieldDomain[],
  boxes: readonly Box[],
  options: TreeOptions = defaultTreeOptions,
): Decision {
  const whole = fields.map((field) => ({ low: 0n, high: field.high }));
  const groups = groupByWidth(fields, boxes);
  const trees = groups.map((group) => new TreeBuilder(options, group.length).build(group, whole));
  return trees.length === 1 ? trees[0]! : { kind: "least", trees };
}

/**
 * Wide rules would be copied into every part of a field that narrow rules cut up, so the rules are grouped by the
 * fields in which they are wide, and each group gets a tree of its own (EffiCuts, SIGCOMM 2010). Groups with few rules
 * join the next larger ones: a tree more costs more than a few copies.
 */
function groupByWidth(fields: readonly FieldDomain[], boxes: readonly Box[]): readonly (readonly Box[])[] {
  const groups = new Map<string, Box[]>();
  for (const box of boxes) {
    const key = box.intervals.map((interval, field) => (isWide(interval, fields[field]!) ? "*" : "x")).join("");
    const group = groups.get(key);
    if (group) group.push(box);
    else groups.set(key, [box]);
  }
  const least = Math.max(8, boxes.length / 50);
  const large = [...groups.values()].filter((group) => group.length >= least);
  const small = [...groups.values()].filter((group) => group.length < least).flat();
  if (large.length === 0) return boxes.length > 0 ? [boxes] : [[]];
  if (small.length > 0) mergeSmall(large, small);
  return large.map((group) => group.sort((a, b) => a.rule - b.rule)).sort((a, b) => a[0]!.rule - b[0]!.rule);
}

function mergeSmall(large: Box[][], small: readonly Box[]): void {
  if (small.length > 8) large.push([...small]);
  else large.reduce((a, b) => (a.length <= b.length ? a : b)).push(...small);
}

/** Half of a field's values or more. */
function isWide(interval: Interval, field: FieldDomain): boolean {
  return (interval.high - interval.low) * 2n >= field.high;
}

class TreeBuilder {
  readonly #options: TreeOptions;
  #budget: number;

  constructor(options: TreeOptions, boxes: number) {
    this.#options = options;
    this.#budget = 64 + boxes * options.nodesPerBox;
  }

  build(boxes: readonly Box[], region: readonly Interval[]): Decision {
    const live = this.#visible(boxes, region);
    const [first] = live;
    if (!first) return { kind: "leaf", rule: undefined };
    if (covers(first, region)) return { kind: "leaf", rule: first.rule };
    if (live.length <= this.#options.leafRules) return chain(live, region, 0);
    const cut = this.#budget > 0 ? bestCut(live, region) : undefined;
    if (!cut) return chain(live, region, 0);
    this.#budget -= 1;
    const [left, right] = halves(region, cut.field, cut.at);
    return { kind: "split", ...cut, left: this.build(live, left), right: this.build(live, right) };
  }

  /** The boxes that can still win here: those behind one that takes the whole region cannot. */
  #visible(boxes: readonly Box[], region: readonly Interval[]): readonly Box[] {
    const live: Box[] = [];
    for (const box of boxes) {
      if (!box.intervals.every((interval, field) => overlaps(interval, region[field]!))) continue;
      live.push(box);
      if (covers(box, region)) break;
    }
    return live;
  }
}

function covers(box: Box, region: readonly Interval[]): boolean {
  return box.intervals.every((interval, field) => contains(interval, region[field]!));
}

function halves(region: readonly Interval[], field: number, at: bigint): readonly [Interval[], Interval[]] {
  const left = [...region];
  const right = [...region];
  left[field] = { low: region[field]!.low, high: at };
  right[field] = { low: at + 1n, high: region[field]!.high };
  return [left, right];
}

/** One rule after the other; within a rule only the fields that the region leaves open. */
function chain(boxes: readonly Box[], region: readonly Interval[], index: number): Decision {
  const box = boxes[index];
  if (!box) return { kind: "leaf", rule: undefined };
  const open = box.intervals.flatMap((interval, field) => (contains(interval, region[field]!) ? [] : [field]));
  const next = open.length === 0 ? undefined : chain(boxes, region, index + 1);
  return open.reduceRight<Decision>(
    (then, field) => ({ kind: "test", field, interval: box.intervals[field]!, then, otherwise: next! }),
    { kind: "leaf", rule: box.rule },
  );
}

interface Cut {
  readonly field: number;
  readonly at: bigint;
}

/** How many boundaries of a field are tried. */
const candidates = 15;

/** The cut whose larger side is smallest, copies counted; undefined when no cut makes both sides smaller. */
function bestCut(boxes: readonly Box[], region: readonly Interval[]): Cut | undefined {
  let best: (Cut & { readonly cost: number }) | undefined;
  for (const field of region.keys()) {
    for (const at of boundaries(boxes, field, region[field]!)) {
      const left = boxes.reduce((count, box) => count + (box.intervals[field]!.low <= at ? 1 : 0), 0);
      const right = boxes.reduce((count, box) => count + (box.intervals[field]!.high > at ? 1 : 0), 0);
      if (left === boxes.length && right === boxes.length) continue;
      const copies = left + right - boxes.length;
      const cost = Math.max(left, right) + copies;
      if (!best || cost < best.cost) best = { field, at, cost };
    }
  }
  return best && { field: best.field, at: best.at };
}

/** Values after which some box begins or ends, evenly spread where there are many. */
function boundaries(boxes: readonly Box[], field: number, region: Interval): readonly bigint[] {
  const found = new Set<bigint>();
  for (const { intervals } of boxes) {
    const { low, high } = intervals[field]!;
    if (low > region.low) found.add(low - 1n);
    if (high < region.high) found.add(high);
  }
  const sorted = [...found].sort((a, b) => (a < b ? -1 : 1));
  if (sorted.length <= candidates) return sorted;
  return Array.from(
    { length: candidates },
    (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / (candidates + 1))]!,
  );
}

/** What a decision gives for a packet's fields: the meaning of a tree, for tests and the interpreter. */
export function decide(decision: Decision, values: readonly bigint[]): number | undefined {
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
