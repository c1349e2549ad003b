import type { Loops } from "../ir/loops.ts";
import { before, Interval, type Range, reading, step, type UsePosition, type Whole, writing } from "./interval.ts";
import {
  type MachineBlock,
  type MachineFunction,
  machineEdges,
  type Rematerial,
  type VirtualRegister,
} from "./machine.ts";
import type { MachineLiveness } from "./machine-liveness.ts";
import { forEachTerminatorUse, forEachUse, machineResult, type UseKind } from "./uses.ts";

/** Where the blocks and what they do to fixed registers stand in the numbering of positions. */
export interface Numbering {
  /** By block id. The block's start has a place of its own in front of its first instruction. */
  readonly blockStart: Int32Array;
  /** By block id, exclusive: the start of the block behind it. */
  readonly blockEnd: Int32Array;
  /** Positions of calls, ascending: r0..r5 are lost there. */
  readonly calls: readonly number[];
  /** Positions at which r0 alone is taken (cmpxchg), ascending. */
  readonly takesR0: readonly number[];
  /** All block starts, ascending. */
  readonly starts: readonly number[];
}

export function numberPositions(fn: MachineFunction): Numbering {
  const blockStart = new Int32Array(fn.blockCount).fill(-1);
  const blockEnd = new Int32Array(fn.blockCount).fill(-1);
  const calls: number[] = [];
  const takesR0: number[] = [];
  const starts: number[] = [];
  let position = 0;
  for (const block of fn.blocks) {
    blockStart[block.id] = position;
    starts.push(position);
    position += step;
    for (const instruction of block.instructions) {
      if (instruction.kind === "call") calls.push(position + reading);
      if (instruction.kind === "atomic" && instruction.expected) takesR0.push(position + reading);
      position += step;
    }
    position += step;
    blockEnd[block.id] = position;
  }
  return { blockStart, blockEnd, calls, takesR0, starts };
}

/** Builds the interval of each virtual register, walking backwards; ranges and uses are turned round at the end. */
export function buildIntervals(
  fn: MachineFunction,
  numbering: Numbering,
  liveness: MachineLiveness,
  loops: Loops,
): Map<VirtualRegister, Interval> {
  const drafts = new Drafts();
  for (const block of [...fn.blocks].reverse()) addBlock(drafts, block, numbering, liveness, fn);
  addLoopUses(drafts, numbering, liveness, loops);
  return drafts.finish();
}

interface Draft {
  readonly ranges: Range[];
  readonly uses: UsePosition[];
  definition: number;
  rematerial: Rematerial | undefined;
}

class Drafts {
  readonly #drafts = new Map<VirtualRegister, Draft>();

  of(value: VirtualRegister): Draft {
    let draft = this.#drafts.get(value);
    if (!draft) {
      draft = { ranges: [], uses: [], definition: -1, rematerial: undefined };
      this.#drafts.set(value, draft);
    }
    return draft;
  }

  /** Ranges come from back to front. */
  addRange(value: VirtualRegister, from: number, to: number): void {
    const { ranges } = this.of(value);
    const last = ranges.at(-1);
    if (last && last.from <= to) {
      last.from = Math.min(last.from, from);
      last.to = Math.max(last.to, to);
    } else {
      ranges.push({ from, to });
    }
  }

  /** The value is written here: what was taken to be alive from the block's start is alive from here only. */
  define(value: VirtualRegister, position: number, register: boolean): Draft {
    const draft = this.of(value);
    const first = draft.ranges.at(-1);
    if (first && first.from <= position && position < first.to) first.from = position;
    else draft.ranges.push({ from: position, to: position + 1 });
    draft.definition = position;
    draft.uses.push({ position, register });
    return draft;
  }

  finish(): Map<VirtualRegister, Interval> {
    const intervals = new Map<VirtualRegister, Interval>();
    for (const [value, { ranges, uses, definition, rematerial }] of this.#drafts) {
      if (definition < 0) throw new Error(`virtual register ${value} is read but never written`);
      const whole: Whole = { value, parts: [], definition, rematerial };
      if (isDescending(uses)) uses.reverse();
      else uses.sort((a, b) => a.position - b.position);
      const interval = new Interval(whole, ranges.reverse(), uses);
      whole.parts.push(interval);
      intervals.set(value, interval);
    }
    return intervals;
  }
}

/** As the walk backwards adds them, unless one instruction reads a value twice. */
function isDescending(uses: readonly UsePosition[]): boolean {
  for (let index = 1; index < uses.length; index++) {
    if (uses[index - 1]!.position <= uses[index]!.position) return false;
  }
  return true;
}

function addBlock(
  drafts: Drafts,
  block: MachineBlock,
  numbering: Numbering,
  liveness: MachineLiveness,
  fn: MachineFunction,
): void {
  const from = numbering.blockStart[block.id]!;
  const end = numbering.blockEnd[block.id]!;
  for (const value of liveness.liveOut[block.id]!) drafts.addRange(value, from, end);
  for (const edge of machineEdges(block.terminator)) {
    for (const arg of edge.args) {
      if (arg.kind !== "value") continue;
      drafts.addRange(arg.value, from, end);
      drafts.of(arg.value).uses.push({ position: end - 1, register: false });
    }
  }
  let position = end - step;
  const use = (value: VirtualRegister, kind: UseKind): void => addUse(drafts, value, kind, from, position);
  forEachTerminatorUse(block.terminator, use);
  for (const instruction of [...block.instructions].reverse()) {
    position -= step;
    const result = machineResult(instruction);
    if (result !== undefined) {
      const draft = drafts.define(result, position + writing, instruction.kind !== "call");
      if (instruction.kind === "materialise") draft.rematerial = instruction.source;
    }
    forEachUse(instruction, use);
  }
  for (const value of block.parameters) drafts.define(value, from, false);
  if (block === fn.blocks[0]) for (const value of fn.parameters) drafts.define(value, from, false);
}

function addUse(drafts: Drafts, value: VirtualRegister, kind: UseKind, from: number, position: number): void {
  const at = position + (kind === "argument" ? before : kind === "late" ? writing : reading);
  drafts.addRange(value, from, at + 1);
  drafts.of(value).uses.push({ position: at, register: kind === "register" || kind === "late" });
}

/**
 * A value that a loop reads is wanted again in its next round: a use at the loop's end says so to the choice of what
 * to spill, which looks at distances in linear order only.
 */
function addLoopUses(drafts: Drafts, numbering: Numbering, liveness: MachineLiveness, loops: Loops): void {
  for (const loop of loops.loops) {
    const end = Math.max(...[...loop.blocks].map((id) => numbering.blockEnd[id]!));
    const start = numbering.blockStart[loop.header]!;
    for (const value of liveness.liveIn[loop.header]!) {
      const { uses } = drafts.of(value);
      if (uses.some(({ position }) => position >= start && position < end)) {
        uses.push({ position: end - 1, register: false });
      }
    }
  }
}
