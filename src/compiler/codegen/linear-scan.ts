import type { Numbering } from "./build-intervals.ts";
import type { Hints } from "./hints.ts";
import { type Interval, step } from "./interval.ts";
import { IntervalQueue } from "./interval-queue.ts";
import type { Register } from "./machine.ts";
import type { SplitPositions } from "./split-positions.ts";

const far = Number.POSITIVE_INFINITY;

/**
 * Order in which equally good registers are taken: those that arguments rarely want first, though r5 behind its
 * neighbours, since on x86-64 it is r8 and costs a prefix byte.
 */
const preference: readonly Register[] = [4, 3, 2, 5, 0, 1, 6, 7, 8, 9];
/** Which ones stay when the allocator is given fewer: two that calls clobber and one that they keep, then in turn. */
const reduced: readonly Register[] = [0, 1, 6, 2, 7, 3, 8, 4, 9, 5];

/** The registers that the allocator may use when it is given `count` of them. */
export function allocatableRegisters(count: number): readonly Register[] {
  const chosen = reduced.slice(0, Math.max(3, Math.min(count, reduced.length)));
  return preference.filter((register) => chosen.includes(register));
}

/**
 * Linear scan over intervals with holes, after Wimmer and Moessenboeck, "Optimized Interval Splitting in a Linear Scan
 * Register Allocator" (VEE 2005) and Wimmer and Franz, "Linear Scan Register Allocation on SSA Form" (CGO 2010).
 *
 * Gives each interval a register, or memory, for its whole length; where neither is possible it splits intervals, and
 * the caller makes the moves between the parts.
 */
export class LinearScan {
  readonly #numbering: Numbering;
  readonly #hints: Hints;
  readonly #splits: SplitPositions;
  readonly #registers: readonly Register[];
  readonly #unhandled = new IntervalQueue();
  #active: Interval[] = [];
  /** In a hole at the present position. */
  #inactive: Interval[] = [];
  readonly #fixed = new Float64Array(11);

  constructor(numbering: Numbering, hints: Hints, splits: SplitPositions, registers: readonly Register[]) {
    this.#numbering = numbering;
    this.#hints = hints;
    this.#splits = splits;
    this.#registers = registers;
  }

  run(intervals: Iterable<Interval>): void {
    for (const interval of intervals) this.#unhandled.push(interval);
    for (let current = this.#unhandled.pop(); current; current = this.#unhandled.pop()) {
      this.#moveTo(current.start);
      if (!this.#takeFree(current)) this.#takeBlocked(current);
      if (typeof current.place === "object") this.#active.push(current);
    }
  }

  /** Ended intervals go; the others are sorted anew into those that are alive here and those in a hole. */
  #moveTo(position: number): void {
    const active: Interval[] = [];
    const inactive: Interval[] = [];
    for (const list of [this.#active, this.#inactive]) {
      for (const interval of list) {
        if (typeof interval.place !== "object" || interval.end <= position) continue;
        (interval.covers(position) ? active : inactive).push(interval);
      }
    }
    this.#active = active;
    this.#inactive = inactive;
  }

  // ------------------------------------------------------------------------------------------------ free ones

  #takeFree(current: Interval): boolean {
    const freeUntil = this.#freeUntil(current);
    const scores = this.#hints.scores(current);
    let best = -1;
    for (const register of this.#registers) {
      if (best < 0 || isBetter(register, best, freeUntil, scores, current.end)) best = register;
    }
    const until = freeUntil[best]!;
    if (until < current.end) {
      const position = this.#splits.before(current, until);
      if (position === undefined || !this.#worthTaking(current, position)) return false;
      this.#unhandled.push(current.split(position));
    }
    current.place = { register: best };
    return true;
  }

  /** Up to the split there must be something that uses the register, if only the definition. */
  #worthTaking(current: Interval, position: number): boolean {
    return current.nextUse(current.start) < position;
  }

  #freeUntil(current: Interval): Float64Array {
    const freeUntil = this.#fixedUses(current);
    for (const other of this.#active) freeUntil[registerOf(other)] = 0;
    for (const other of this.#inactive) {
      const register = registerOf(other);
      if (freeUntil[register] === 0) continue;
      freeUntil[register] = Math.min(freeUntil[register]!, other.intersection(current, current.start));
    }
    return freeUntil;
  }

  /** For each register, where the interval first meets something that takes it away; good until the next call. */
  #fixedUses(current: Interval): Float64Array {
    const call = firstInside(current, this.#numbering.calls);
    const fixed = this.#fixed.fill(far).fill(call, 0, 6);
    fixed[0] = Math.min(call, firstInside(current, this.#numbering.takesR0));
    return fixed;
  }

  // --------------------------------------------------------------------------------------------- taken ones

  #takeBlocked(current: Interval): void {
    const { start } = current;
    const fixed = this.#fixedUses(current);
    const nextUse = fixed.slice();
    for (const other of this.#rivals(current)) {
      const register = registerOf(other);
      nextUse[register] = Math.min(nextUse[register]!, wantedAgain(other, start));
    }
    let best = -1;
    for (const register of this.#registers) {
      if (nextUse[register]! < 0 || !this.#isUsable(current, fixed[register]!)) continue;
      if (best < 0 || nextUse[register]! > nextUse[best]!) best = register;
    }
    const mustHave = this.#splits.atOrBefore(current.nextRegisterUse(start)) <= start;
    if (!mustHave && (best < 0 || nextUse[best]! <= current.nextUse(start + 1))) {
      this.#toMemory(current, start);
      return;
    }
    if (best < 0) throw new Error("the register allocator found no register: an instruction needs too many");
    this.#evict(current, best);
    if (fixed[best]! < current.end) {
      const position = this.#splits.before(current, fixed[best]!);
      if (position === undefined) throw new Error("the register allocator cannot split an interval");
      this.#unhandled.push(current.split(position));
    }
    current.place = { register: best };
  }

  /** Whether a register that is lost at `until` serves the interval at all. */
  #isUsable(current: Interval, until: number): boolean {
    return until >= current.end || this.#splits.atOrBefore(until) > current.start;
  }

  #rivals(current: Interval): Interval[] {
    return [...this.#active, ...this.#inactive.filter((other) => other.intersection(current, current.start) < far)];
  }

  #evict(current: Interval, register: Register): void {
    const { start } = current;
    for (const other of this.#rivals(current)) {
      if (registerOf(other) !== register) continue;
      if (!other.covers(start)) {
        // It is in a hole and comes back later: what then happens to it is decided then.
        this.#unhandled.push(other.split(start));
      } else if (other.start >= start) {
        other.place = "unassigned";
        this.#toMemory(other, start);
      } else {
        this.#toMemory(other.split(this.#splits.forEviction(other, start)), start);
      }
    }
    this.#moveTo(start);
  }

  /** Puts the interval in memory up to its next use that needs a register. */
  #toMemory(interval: Interval, position: number): void {
    interval.place = "memory";
    const use = interval.nextRegisterUse(interval.start);
    if (use === far) return;
    const back = this.#splits.forReload(interval, Math.max(position, interval.start), use);
    this.#unhandled.push(interval.split(back));
  }
}

/** The next use; -1 when this very instruction needs it in its register, so that no other may have it. */
function wantedAgain(interval: Interval, position: number): number {
  const instructionEnd = position - (position % step) + step;
  return interval.nextRegisterUse(position) < instructionEnd ? -1 : interval.nextUse(position);
}

function registerOf(interval: Interval): Register {
  if (typeof interval.place !== "object") throw new Error("an interval without a register is among those with one");
  return interval.place.register;
}

/** For the whole length beats for a part of it; then what saves moves; then the order of the list. */
function isBetter(
  register: Register,
  best: Register,
  freeUntil: Float64Array,
  scores: Float64Array,
  end: number,
): boolean {
  const [mine, its] = [freeUntil[register]!, freeUntil[best]!];
  if (mine >= end !== its >= end) return mine >= end;
  if (mine < end && mine !== its) return mine > its;
  return scores[register]! > scores[best]!;
}

/** The first of the ascending positions at which the interval is alive. */
function firstInside(interval: Interval, positions: readonly number[]): number {
  for (const { from, to } of interval.ranges) {
    let low = 0;
    let high = positions.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (positions[middle]! >= from) high = middle;
      else low = middle + 1;
    }
    const position = positions[low];
    if (position === undefined) return far;
    if (position < to) return position;
  }
  return far;
}
