import type { Register, Rematerial, VirtualRegister } from "./machine.ts";

/**
 * Positions: each instruction, each block start has four. At `p` (a multiple of four) stand the moves in front of it
 * and the reading of arguments; `p + 1` reads registers and clobbers; `p + 2` writes the result, and late uses still
 * read; `p + 3` is free.
 */
export const step = 4;
export const before = 0;
export const reading = 1;
export const writing = 2;

/** Half-open. */
export interface Range {
  from: number;
  to: number;
}

export interface UsePosition {
  readonly position: number;
  /** Whether the value must be in a register here. */
  readonly register: boolean;
}

/** Where an interval is: nothing chosen yet, in a register, or in memory (or made anew at each use). */
export type Place = "unassigned" | "memory" | { readonly register: Register };

/** What all parts of one virtual register share. */
export interface Whole {
  readonly value: VirtualRegister;
  /** Ordered by start. */
  readonly parts: Interval[];
  /** Where the value is written: a `writing` position, or a block's start for its parameters. */
  readonly definition: number;
  /** How to make the value anew; such values have no spill slot. */
  readonly rematerial: Rematerial | undefined;
}

/** The stretch of code, with holes, for which a virtual register (or a part of it, after splits) is alive. */
export class Interval {
  readonly whole: Whole;
  readonly ranges: Range[];
  readonly uses: UsePosition[];
  place: Place = "unassigned";

  constructor(whole: Whole, ranges: Range[], uses: UsePosition[]) {
    this.whole = whole;
    this.ranges = ranges;
    this.uses = uses;
  }

  get start(): number {
    return this.ranges[0]!.from;
  }

  get end(): number {
    return this.ranges.at(-1)!.to;
  }

  covers(position: number): boolean {
    const range = this.ranges[this.#rangeAt(position)];
    return range !== undefined && range.from <= position;
  }

  /** The first position, from `from` on, at which both are alive; Infinity when there is none. */
  intersection(other: Interval, from: number): number {
    let a = this.#rangeAt(from);
    let b = other.#rangeAt(from);
    while (a < this.ranges.length && b < other.ranges.length) {
      const left = this.ranges[a]!;
      const right = other.ranges[b]!;
      const start = Math.max(left.from, right.from);
      if (start < Math.min(left.to, right.to)) return Math.max(start, from);
      if (left.to <= right.to) a++;
      else b++;
    }
    return Number.POSITIVE_INFINITY;
  }

  /** The first use at or after the position; Infinity when there is none. */
  nextUse(position: number): number {
    return this.uses[this.#useAt(position)]?.position ?? Number.POSITIVE_INFINITY;
  }

  /** As `nextUse`, of those that need a register. */
  nextRegisterUse(position: number): number {
    for (let index = this.#useAt(position); index < this.uses.length; index++) {
      const use = this.uses[index]!;
      if (use.register) return use.position;
    }
    return Number.POSITIVE_INFINITY;
  }

  /** The last use before the position, or the interval's start. */
  previousUse(position: number): number {
    return this.uses[this.#useAt(position) - 1]?.position ?? this.start;
  }

  /** Cuts the interval in two; this one keeps what is before `position`, which must lie inside of it. */
  split(position: number): Interval {
    if (position <= this.start || position >= this.end) throw new Error(`no place for a cut at ${position}`);
    const index = this.#rangeAt(position);
    const tail = this.ranges.splice(index);
    const [first] = tail;
    if (first && first.from < position) {
      this.ranges.push({ from: first.from, to: position });
      tail[0] = { from: position, to: first.to };
    }
    const child = new Interval(this.whole, tail, this.uses.splice(this.#useAt(position)));
    const { parts } = this.whole;
    parts.splice(parts.indexOf(this) + 1, 0, child);
    return child;
  }

  /** Index of the first use at or after the position. */
  #useAt(position: number): number {
    const { uses } = this;
    let low = 0;
    let high = uses.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (uses[middle]!.position >= position) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /** Index of the first range that ends behind the position. */
  #rangeAt(position: number): number {
    const { ranges } = this;
    let low = 0;
    let high = ranges.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ranges[middle]!.to > position) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

/** The part of the virtual register that is alive at the position. */
export function partAt({ parts }: Whole, position: number): Interval | undefined {
  let low = 0;
  let high = parts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (parts[middle]!.start <= position) low = middle + 1;
    else high = middle;
  }
  const part = parts[low - 1];
  return part?.covers(position) ? part : undefined;
}
