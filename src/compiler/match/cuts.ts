import type { BoxTable, Region } from "./forest.ts";

/** A way to divide a region by one word. */
export interface Cut {
  readonly word: number;
  /** Child n is for the values from `origin + n * 2^shift` on; there are `count`. */
  readonly origin: number;
  readonly shift: number;
  readonly count: number;
  /** Whether boxes lie below `origin` as well: the cut is a split in two. */
  readonly below: boolean;
  /** Boxes of all children together. */
  readonly copies: number;
}

interface Rated extends Cut {
  readonly score: number;
}

/** A list is not cut for less than this part of its expected length. */
const leastGain = 0.8;
/** Children for each box at most. */
const childrenPerBox = 4;
const mostChildren = 4096;
/** Fewer boxes than these are not worth many tries. */
const fewBoxes = 24;
/** What copies weigh against shorter lists. */
const weightOfCopies = 0.6;

/** The cut after which packets meet the shortest lists, copies weighed in; undefined where none helps. */
export function chooseCut(table: BoxTable, boxes: Int32Array, region: Region, room: number): Cut | undefined {
  let best: Rated | undefined;
  const better = (cut: Rated | undefined) => {
    if (cut && cut.copies <= room && (!best || cut.score < best.score)) best = cut;
  };
  const eachAxis = (visit: (axis: Axis) => void) => {
    for (let word = 0; word < region.low.length; word++) {
      const axis = axisOf(table, boxes, region, word);
      if (axis) visit(axis);
    }
  };
  eachAxis((axis) => evenCuts(axis, better));
  if (!best || best.score > Math.log2(boxes.length) - goodCut) eachAxis((axis) => splits(axis, region, better));
  return best;
}

/** A cut that shortens lists by so many halvings is not held against splits. */
const goodCut = 1.5;

/** Room for the ends of boxes, kept: nodes are many and short. */
let scratch = { low: new Float64Array(1024), high: new Float64Array(1024) };

/** The boxes of a node along one word, clipped to its region. One at a time: the next takes the same room. */
interface Axis {
  readonly word: number;
  readonly count: number;
  readonly low: Float64Array;
  readonly high: Float64Array;
  /** What all boxes together span. */
  readonly least: number;
  readonly most: number;
}

/** Undefined when no box begins or ends inside of the region. */
function axisOf(table: BoxTable, boxes: Int32Array, region: Region, word: number): Axis | undefined {
  const [bottom, top] = [region.low[word]!, region.high[word]!];
  const count = boxes.length;
  if (scratch.low.length < count) scratch = { low: new Float64Array(2 * count), high: new Float64Array(2 * count) };
  const { low, high } = scratch;
  const [lows, highs] = [table.low[word]!, table.high[word]!];
  let [least, most, open] = [top, bottom, false];
  for (let index = 0; index < boxes.length; index++) {
    const box = boxes[index]!;
    const from = Math.max(lows[box]!, bottom);
    const to = Math.min(highs[box]!, top);
    low[index] = from;
    high[index] = to;
    if (from < least) least = from;
    if (to > most) most = to;
    if (from > bottom || to < top) open = true;
  }
  return open ? { word, count, low, high, least, most } : undefined;
}

/** Cuts into parts of one width, from many down to two. */
function evenCuts(axis: Axis, take: (cut: Rated | undefined) => void): void {
  const limit = Math.min(mostChildren, axis.count * childrenPerBox);
  let shift = Math.max(0, Math.ceil(Math.log2((axis.most - axis.least + 1) / limit)));
  const most = axis.count < fewBoxes ? 3 : 6;
  for (let tries = 0; tries < most; tries++, shift += 2) {
    const width = 2 ** shift;
    const origin = Math.floor(axis.least / width) * width;
    const count = Math.floor((axis.most - origin) / width) + 1;
    if (count < 2 && tries > 0) break;
    if (count > mostChildren) continue;
    take(rateEven(axis, { word: axis.word, origin, shift, count }));
  }
}

function rateEven(
  { low, high, count: boxes }: Axis,
  cut: { readonly word: number; readonly origin: number; readonly shift: number; readonly count: number },
): Rated | undefined {
  const { origin, shift, count } = cut;
  const scale = 2 ** -shift;
  const steps = new Int32Array(count + 1);
  for (let box = 0; box < boxes; box++) {
    steps[Math.floor((low[box]! - origin) * scale)]! += 1;
    steps[Math.floor((high[box]! - origin) * scale) + 1]! -= 1;
  }
  let [inPart, copies, squares] = [0, 0, 0];
  for (let part = 0; part < count; part++) {
    inPart += steps[part]!;
    copies += inPart;
    squares += inPart * inPart;
  }
  return rated({ ...cut, below: false, copies }, squares / copies, boxes, count);
}

/** A split in two behind the end of a box: for intervals that no even cut fits. */
function splits({ word, low, high, count }: Axis, region: Region, take: (cut: Rated | undefined) => void): void {
  const ends = someEnds(low, high, count);
  for (const part of [0.25, 0.5, 0.75]) {
    const end = ends[Math.floor(ends.length * part)]!;
    if (end < region.low[word]! || end >= region.high[word]!) continue;
    let [left, right] = [0, 0];
    for (let box = 0; box < count; box++) {
      if (low[box]! <= end) left += 1;
      if (high[box]! > end) right += 1;
    }
    const copies = left + right;
    const expected = (left * left + right * right) / copies;
    const cut = { word, origin: end + 1, shift: 32, count: 1, below: true, copies };
    take(rated(cut, expected, count, 2));
  }
}

const mostEnds = 32;

/** Where boxes begin and end, in order; of many a sample, evenly spread over the list. */
function someEnds(low: Float64Array, high: Float64Array, count: number): Float64Array {
  const step = Math.max(1, Math.ceil((2 * count) / mostEnds));
  const ends = new Float64Array(2 * Math.ceil(count / step));
  for (let box = 0, next = 0; box < count; box += step) {
    ends[next++] = low[box]! - 1;
    ends[next++] = high[box]!;
  }
  return ends.sort();
}

function rated(cut: Cut, expected: number, boxes: number, children: number): Rated | undefined {
  if (expected > boxes * leastGain) return undefined;
  const growth = (cut.copies + children / 8) / boxes;
  return { ...cut, score: Math.log2(Math.max(expected, 1)) + weightOfCopies * Math.log2(growth) };
}
