import type { Location, MoveSource } from "./allocated.ts";
import type { Numbering } from "./build-intervals.ts";
import { type FrameObject, layOutFrame, overlaps, roundUp } from "./frame.ts";
import { type Interval, partAt, type Range, type Whole } from "./interval.ts";
import type { MachineFunction, Register, VirtualRegister } from "./machine.ts";
import { machineEdges } from "./machine.ts";

/** Pointers must be spilled whole (eight bytes, aligned) to stay pointers to the verifier. */
const spillSize = 8;

/** Answers where a virtual register is at a position, and hands out spill slots. */
export class Places {
  readonly #intervals: ReadonlyMap<VirtualRegister, Interval>;
  readonly #slots = new Map<VirtualRegister, number>();
  readonly #slotRanges: (readonly Range[])[] = [];
  readonly #stackSlots: readonly FrameObject[];
  readonly #spillOffsets: readonly number[];
  readonly #stackOffsets: readonly number[];
  #frameSize: number;

  /** `stackSlots` are what else needs room in the frame. */
  constructor(
    intervals: ReadonlyMap<VirtualRegister, Interval>,
    fn: MachineFunction,
    numbering: Numbering,
    stackSlots: readonly FrameObject[],
  ) {
    this.#intervals = intervals;
    this.#stackSlots = stackSlots;
    this.#assignSlots(fn, numbering);
    const spills = this.#slotRanges.map((ranges) => ({ size: spillSize, align: spillSize, ranges }));
    const { offsets, size } = layOutFrame([...stackSlots, ...spills]);
    this.#stackOffsets = offsets.slice(0, stackSlots.length);
    this.#spillOffsets = offsets.slice(stackSlots.length);
    this.#frameSize = size;
  }

  /** By stack slot of the IR: its negative offset from r10. */
  get stackOffsets(): readonly number[] {
    return this.#stackOffsets;
  }

  /** Bytes. */
  get frameSize(): number {
    return this.#frameSize;
  }

  whole(value: VirtualRegister): Whole {
    const interval = this.#intervals.get(value);
    if (!interval) throw new Error(`virtual register ${value} has no interval`);
    return interval.whole;
  }

  wholes(): Whole[] {
    return [...this.#intervals.values()].map(({ whole }) => whole);
  }

  /** Undefined for a virtual register that nobody reads. */
  find(value: VirtualRegister): Whole | undefined {
    return this.#intervals.get(value)?.whole;
  }

  partAt(value: VirtualRegister, position: number): Interval {
    const part = partAt(this.whole(value), position);
    if (!part) throw new Error(`virtual register ${value} is not alive at ${position}`);
    return part;
  }

  at(value: VirtualRegister, position: number): MoveSource {
    return this.of(this.partAt(value, position));
  }

  /** Where the part is, or how its value is made anew. */
  of(part: Interval): MoveSource {
    if (typeof part.place === "object") return { kind: "register", register: part.place.register };
    return part.whole.rematerial ?? this.spillOf(part.whole);
  }

  spillOf(whole: Whole): Location {
    return { kind: "spill", offset: this.#spillOffsets[this.#slots.get(whole.value)!]! };
  }

  /** Whether a stack slot that is in use at the position has some of the spill slot's bytes. */
  isShared(offset: number, position: number): boolean {
    const span = [{ from: position, to: position + 1 }];
    return this.#stackSlots.some(({ size, ranges }, index) => {
      const low = this.#stackOffsets[index]!;
      return low < offset + spillSize && offset < low + size && overlaps(ranges, span);
    });
  }

  /** The offsets of all words that stack slots have a part of which are in use between two positions. */
  wordsBetween(from: number, to: number): readonly number[] {
    return this.#stackSlots.flatMap(({ size, ranges }, index) => {
      if (!overlaps(ranges, [{ from, to }])) return [];
      const low = this.#stackOffsets[index]!;
      const first = Math.floor(low / spillSize) * spillSize;
      return Array.from({ length: Math.ceil((low + size - first) / spillSize) }, (_, at) => first + at * spillSize);
    });
  }

  /** A spill slot that is never shared. */
  newSlot(): Location {
    this.#frameSize = roundUp(this.#frameSize, spillSize) + spillSize;
    return { kind: "spill", offset: -this.#frameSize };
  }

  /** Registers that hold something at any of the positions. */
  occupied(positions: readonly number[]): Set<Register> {
    const registers = new Set<Register>();
    for (const { whole } of this.#intervals.values()) {
      for (const position of positions) {
        const part = partAt(whole, position);
        if (part && typeof part.place === "object") registers.add(part.place.register);
      }
    }
    return registers;
  }

  /** A block parameter and what edges pass to it share a slot where they can, which saves moves in memory. */
  #assignSlots(fn: MachineFunction, numbering: Numbering): void {
    const parametersOf = new Map(fn.blocks.map((block) => [block.id, block.parameters]));
    for (const block of fn.blocks) {
      const end = numbering.blockEnd[block.id]! - 1;
      for (const edge of machineEdges(block.terminator)) {
        const parameters = parametersOf.get(edge.block)!;
        for (const [index, arg] of edge.args.entries()) {
          const parameter = this.find(parameters[index]!);
          if (arg.kind !== "value" || !parameter || !this.#needsSlot(parameter)) continue;
          const whole = this.whole(arg.value);
          if (this.#needsSlot(whole) && partAt(whole, end)?.place === "memory") this.#share(parameter, whole);
        }
      }
    }
    for (const whole of this.wholes()) {
      if (this.#needsSlot(whole) && !this.#slots.has(whole.value)) this.#open(whole);
    }
  }

  #needsSlot(whole: Whole): boolean {
    return whole.rematerial === undefined && whole.parts.some((part) => part.place === "memory");
  }

  #open(whole: Whole): number {
    this.#slotRanges.push(rangesOf(whole));
    this.#slots.set(whole.value, this.#slotRanges.length - 1);
    return this.#slotRanges.length - 1;
  }

  #share(parameter: Whole, arg: Whole): void {
    const slot = this.#slots.get(parameter.value) ?? this.#open(parameter);
    if (this.#slots.has(arg.value)) return;
    const ranges = rangesOf(arg);
    if (overlaps(this.#slotRanges[slot]!, ranges)) return;
    this.#slots.set(arg.value, slot);
    this.#slotRanges[slot] = [...this.#slotRanges[slot]!, ...ranges].sort((a, b) => a.from - b.from);
  }
}

function rangesOf(whole: Whole): Range[] {
  return whole.parts.flatMap((part) => part.ranges);
}
