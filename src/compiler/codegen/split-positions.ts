import type { Numbering } from "./build-intervals.ts";
import { before, type Interval, reading, step } from "./interval.ts";

/**
 * Where intervals may be cut, and where it is best. Moves go in front of instructions; in front of a call also between
 * the reading of its arguments and the loss of r0..r5; and on edges, for cuts at the start of a block.
 */
export class SplitPositions {
  readonly #starts: readonly number[];
  readonly #depths: readonly number[];
  readonly #calls: ReadonlySet<number>;

  /** `depths` are loop depths, in the order of the numbering's block starts. */
  constructor(numbering: Numbering, depths: readonly number[]) {
    this.#starts = numbering.starts;
    this.#depths = depths;
    this.#calls = new Set(numbering.calls);
  }

  /** The last place for a cut at or before the position. */
  atOrBefore(position: number): number {
    if (position === Number.POSITIVE_INFINITY || this.#calls.has(position)) return position;
    return position - (position % step) + before;
  }

  /** Where to cut an interval that loses its register at `end`; undefined when it is too short. */
  before(interval: Interval, end: number): number | undefined {
    const last = this.atOrBefore(end);
    const first = interval.start + 1;
    if (last < first) return undefined;
    return this.#best(Math.max(first, this.#afterUse(interval, last)), last);
  }

  /** Where to cut an interval that leaves its register to another at `position`, at which it is alive. */
  forEviction(interval: Interval, position: number): number {
    const last = this.atOrBefore(position);
    const first = this.#afterUse(interval, position);
    // Still read by this very instruction: the copy to memory is made in front of it all the same.
    return first > last ? position : this.#best(first, last);
  }

  /** Where to cut an interval in memory so that it is in a register at `use`. */
  forReload(interval: Interval, position: number, use: number): number {
    const last = this.atOrBefore(use);
    const first = Math.max(interval.start + 1, position, this.#afterUse(interval, use));
    return first >= last ? last : this.#best(first, last);
  }

  #afterUse(interval: Interval, position: number): number {
    const use = interval.previousUse(position);
    return Math.max(interval.start + 1, use - (use % step) + step);
  }

  /** The last place, unless the start of a block in fewer loops is between. */
  #best(first: number, last: number): number {
    const end = this.#blockAt(last);
    let best = last;
    let depth = this.#depths[end]!;
    for (let index = end; index >= 0 && this.#starts[index]! >= first; index--) {
      const outside = this.#depths[index]!;
      // What runs into the block from above decides how often the move on the edge is made.
      const entering = Math.min(outside, this.#depths[index - 1] ?? outside);
      if (entering >= depth) continue;
      depth = entering;
      best = this.#starts[index]!;
    }
    return best;
  }

  /** Index of the block that the position is in. */
  #blockAt(position: number): number {
    let low = 0;
    let high = this.#starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#starts[middle]! <= position) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}

/** Whether a cut at the position is made between a call's reading of arguments and its clobbers. */
export function isBehindArguments(position: number): boolean {
  return position % step === reading;
}
