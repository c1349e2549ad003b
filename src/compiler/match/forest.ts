import { type Cut, chooseCut } from "./cuts.ts";
import type { Box, FieldDomain } from "./rules.ts";

/**
 * Rules as trees that are data: an inner node looks at one word of the packet and goes to one of many children of equal
 * width (HiCuts, IEEE Micro 2000) that span only what the rules below it span (HyperCuts, SIGCOMM 2003); a list is
 * tried record by record. The trees of a forest are over disjoint sets of boxes; the smallest match of all counts.
 */
export type DataNode = DataCut | DataList;

export interface DataCut {
  readonly kind: "cut";
  readonly word: number;
  /** Child n is for the values from `origin + n * 2^shift` on. A subtree may be the child of several neighbours. */
  readonly origin: number;
  readonly shift: number;
  readonly children: readonly DataNode[];
  /** For all values outside of the children's. */
  readonly other: DataNode;
}

export interface DataList {
  readonly kind: "list";
  /** Indices of boxes in the order of their rules. */
  readonly boxes: Int32Array;
}

export interface Forest {
  readonly trees: readonly DataNode[];
  /** Expected cost of a packet, in records that are compared. */
  readonly cost: number;
  /** Words by whose width the boxes were spread over trees. */
  readonly separating: readonly number[];
}

/** Boxes by words: what the many passes over them want. */
export interface BoxTable {
  readonly rules: Int32Array;
  readonly low: readonly Uint32Array[];
  readonly high: readonly Uint32Array[];
}

/** The part of the space that a node is about, a bound per word. */
export interface Region {
  readonly low: readonly number[];
  readonly high: readonly number[];
}

const nothing: DataList = { kind: "list", boxes: new Int32Array(0) };

/** Up to so many boxes are compared one after the other. */
const listLength = 4;
/** What a cut costs in comparisons of a record: each waits for the one before, while records are compared ahead. */
const costOfCut = 2.5;
/** How often a box may be copied on average. */
const copies = 6;

/**
 * Builds the cheapest of a few forests. Deterministic.
 *
 * @param separating the words of an earlier forest over similar rules: then only that way is tried.
 */
export function buildForest(
  fields: readonly FieldDomain[],
  boxes: readonly Box[],
  separating?: readonly number[],
): Forest {
  const table = tableOf(fields, boxes);
  const whole: Region = { low: fields.map(() => 0), high: fields.map(({ high }) => high) };
  const build = (from: BoxTable, words: readonly number[]): Forest => {
    const builder = new TreeBuilder(from);
    const groups = groupByWidth(fields, from, words);
    const trees = groups.map((group) => builder.node(group, whole, group.length * copies + 64));
    return { trees, cost: trees.reduce((sum, tree) => sum + costOfTree + averageCost(tree), 0), separating: words };
  };
  if (separating) return build(table, separating);
  const ways = separations(fields, table);
  if (ways.length === 1) return build(table, ways[0]!);
  const sample = sampleOf(table);
  const { separating: best } = ways
    .map((words) => build(sample, words))
    .reduce((least, one) => (one.cost < least.cost ? one : least));
  return build(table, best);
}

/** Going from one tree on to the next. */
const costOfTree = 1;

/** The ways are compared on so many boxes. */
const sampled = 4096;

/** Boxes evenly spread over the list. */
function sampleOf({ rules, low, high }: BoxTable): BoxTable {
  const step = Math.max(1, Math.floor(rules.length / sampled));
  const taken = (_: number, box: number) => box % step === 0;
  return {
    rules: rules.filter(taken),
    low: low.map((ends) => ends.filter(taken)),
    high: high.map((ends) => ends.filter(taken)),
  };
}

function tableOf(fields: readonly FieldDomain[], boxes: readonly Box[]): BoxTable {
  const rules = new Int32Array(boxes.length);
  const low = fields.map(() => new Uint32Array(boxes.length));
  const high = fields.map(() => new Uint32Array(boxes.length));
  for (let box = 0; box < boxes.length; box++) {
    const { rule, intervals } = boxes[box]!;
    rules[box] = rule;
    for (let word = 0; word < intervals.length; word++) {
      low[word]![box] = intervals[word]!.low;
      high[word]![box] = intervals[word]!.high;
    }
  }
  return { rules, low, high };
}

/** Packets are taken to come as boxes lie: a child is as likely as its share of them. */
function averageCost(root: DataNode): number {
  const known = new Map<DataNode, { readonly cost: number; readonly boxes: number }>();
  const visit = (node: DataNode): { readonly cost: number; readonly boxes: number } => {
    const found = known.get(node);
    if (found) return found;
    let [cost, boxes] = [0, 0];
    if (node.kind === "list") {
      [cost, boxes] = [node.boxes.length, node.boxes.length];
    } else {
      let last: DataNode | undefined;
      for (const child of [...node.children, node.other]) {
        if (child === last) continue;
        last = child;
        const inner = visit(child);
        cost += inner.cost * inner.boxes;
        boxes += inner.boxes;
      }
      cost = costOfCut + cost / Math.max(boxes, 1);
    }
    known.set(node, { cost, boxes });
    return { cost, boxes };
  };
  return visit(root).cost;
}

/**
 * Words to spread the boxes by, in all ways to try. A box that is wide in a word that others cut up is copied into all
 * parts, so boxes that are wide in some words get trees of their own (EffiCuts, SIGCOMM 2010).
 */
function separations(fields: readonly FieldDomain[], table: BoxTable): readonly (readonly number[])[] {
  const count = table.rules.length;
  if (count < fewestToSpread) return [[]];
  const mixed = [...fields.keys()]
    .map((word) => ({ word, ...mixture(fields[word]!, table, word) }))
    .filter(({ wide, distinct }) => wide > count / 50 && wide < count && distinct > 8)
    .sort((a, b) => b.distinct - a.distinct || a.word - b.word)
    .slice(0, 3)
    .map(({ word }) => word);
  return Array.from({ length: 2 ** mixed.length }, (_, way) => mixed.filter((__, bit) => way & (1 << bit)));
}

const fewestToSpread = 24;

/** How many boxes are wide in a word, and into how many parts the others cut it. */
function mixture(field: FieldDomain, { low, high }: BoxTable, word: number) {
  const ends = new Set<number>();
  let wide = 0;
  for (let box = 0; box < low[word]!.length; box++) {
    if (isWide(low[word]![box]!, high[word]![box]!, field)) wide += 1;
    else ends.add(high[word]![box]!);
  }
  return { wide, distinct: ends.size };
}

function groupByWidth(
  fields: readonly FieldDomain[],
  { rules, low, high }: BoxTable,
  words: readonly number[],
): readonly Int32Array[] {
  const groups = new Map<number, number[]>();
  for (let box = 0; box < rules.length; box++) {
    let key = 0;
    for (const word of words) {
      key = key * 2 + (isWide(low[word]![box]!, high[word]![box]!, fields[word]!) ? 1 : 0);
    }
    const group = groups.get(key);
    if (group) group.push(box);
    else groups.set(key, [box]);
  }
  return [...groups.values()].map((group) => Int32Array.from(group));
}

/** A sixteenth of a word's values or more. */
function isWide(low: number, high: number, field: FieldDomain): boolean {
  return (high - low + 1) * 16 >= field.high + 1;
}

class TreeBuilder {
  readonly #table: BoxTable;

  constructor(table: BoxTable) {
    this.#table = table;
  }

  /** `room` is how many boxes its lists may hold, copies counted. */
  node(boxes: Int32Array, region: Region, room: number): DataNode {
    if (boxes.length === 0) return nothing;
    if (boxes.length <= listLength) return { kind: "list", boxes };
    const cut = chooseCut(this.#table, boxes, region, room);
    return cut ? this.#cut(boxes, region, cut, room) : { kind: "list", boxes };
  }

  #cut(boxes: Int32Array, region: Region, cut: Cut, room: number): DataNode {
    const { word, origin, shift, count } = cut;
    const parts = this.#distribute(boxes, region, cut);
    const share = room / Math.max(cut.copies, 1);
    const children: DataNode[] = [];
    for (let first = 0; first < count; ) {
      let next = first + 1;
      while (next < count && sameBoxes(parts[first]!, parts[next]!)) next += 1;
      const low = origin + first * 2 ** shift;
      const part = narrowed(region, word, low, origin + next * 2 ** shift - 1);
      const child = this.node(parts[first]!, part, parts[first]!.length * share);
      for (; first < next; first++) children.push(child);
    }
    const outside = cut.below ? narrowed(region, word, region.low[word]!, origin - 1) : undefined;
    const other = outside ? this.node(this.#inside(boxes, outside), outside, room / 2) : nothing;
    return { kind: "cut", word, origin, shift, children, other };
  }

  /** The boxes of each child; those behind one that takes the whole child can never win there. */
  #distribute(boxes: Int32Array, region: Region, cut: Cut): readonly Int32Array[] {
    const { word, origin, shift, count } = cut;
    const low = this.#table.low[word]!;
    const high = this.#table.high[word]!;
    const width = 2 ** shift;
    const last = Math.min(region.high[word]!, origin + count * width - 1);
    const starts = new Int32Array(count + 1);
    const first = (box: number) => Math.floor((Math.max(low[box]!, origin) - origin) / width);
    const end = (box: number) => Math.floor((Math.min(high[box]!, last) - origin) / width);
    for (const box of boxes) {
      if (high[box]! < origin || low[box]! > last) continue;
      for (let part = first(box); part <= end(box); part++) starts[part + 1]! += 1;
    }
    for (let part = 0; part < count; part++) starts[part + 1]! += starts[part]!;
    const all = new Int32Array(starts[count]!);
    const ends = starts.slice(0, count);
    const closed = new Uint8Array(count);
    for (const box of boxes) {
      if (high[box]! < origin || low[box]! > last) continue;
      const wholeElsewhere = this.#covers(box, region, word);
      for (let part = first(box); part <= end(box); part++) {
        if (closed[part]) continue;
        all[ends[part]!++] = box;
        const least = Math.max(origin + part * width, region.low[word]!);
        const most = Math.min(origin + (part + 1) * width - 1, last);
        if (wholeElsewhere && low[box]! <= least && high[box]! >= most) closed[part] = 1;
      }
    }
    return Array.from({ length: count }, (_, part) => all.subarray(starts[part]!, ends[part]!));
  }

  #inside(boxes: Int32Array, { low, high }: Region): Int32Array {
    const inside: number[] = [];
    for (const box of boxes) {
      if (
        !low.every(
          (least, word) => this.#table.low[word]![box]! <= high[word]! && this.#table.high[word]![box]! >= least,
        )
      )
        continue;
      inside.push(box);
      if (this.#covers(box, { low, high }, -1)) break;
    }
    return Int32Array.from(inside);
  }

  /** Whether the box takes all of the region in all words but one. */
  #covers(box: number, { low, high }: Region, but: number): boolean {
    for (let word = 0; word < low.length; word++) {
      if (word === but) continue;
      if (this.#table.low[word]![box]! > low[word]! || this.#table.high[word]![box]! < high[word]!) return false;
    }
    return true;
  }
}

function narrowed(region: Region, word: number, low: number, high: number): Region {
  return {
    low: region.low.with(word, Math.max(low, region.low[word]!)),
    high: region.high.with(word, Math.min(high, region.high[word]!)),
  };
}

function sameBoxes(a: Int32Array, b: Int32Array): boolean {
  if (a.length !== b.length) return false;
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false;
  return true;
}
