import { isSameLocation, type Location, type Move, type MoveSource } from "./allocated.ts";
import type { Numbering } from "./build-intervals.ts";
import { type Interval, step, type Whole } from "./interval.ts";
import { type MachineBlock, type MachineFunction, machineEdges } from "./machine.ts";
import type { MachineLiveness } from "./machine-liveness.ts";
import type { Places } from "./places.ts";
import { isBehindArguments } from "./split-positions.ts";

/** A move, with what is needed to decide whether it is made at all. */
interface PlannedMove extends Move {
  /** Of the value that the move only keeps; none for those that pass a value to a block parameter. */
  readonly keeps?: Whole;
}

/** The moves that make the parts of split intervals, and block parameters, into one. */
export class MovePlan {
  readonly #fn: MachineFunction;
  readonly #numbering: Numbering;
  readonly #liveness: MachineLiveness;
  readonly #frequency: Float64Array;
  readonly #places: Places;
  /** By position: in front of the instruction there, or between a call's arguments and its clobbers. */
  readonly #inside = new Map<number, PlannedMove[]>();
  /** By predecessor, for each of its edges. */
  readonly #edges = new Map<number, PlannedMove[][]>();
  /** How often each value would be copied to memory, were it copied where its parts in memory begin. */
  readonly #entering = new Map<Whole, number>();
  /** Values that are copied to memory where they are defined, and nowhere else. */
  readonly #storedAtDefinition = new Set<Whole>();

  constructor(
    fn: MachineFunction,
    numbering: Numbering,
    liveness: MachineLiveness,
    frequency: Float64Array,
    places: Places,
  ) {
    this.#fn = fn;
    this.#numbering = numbering;
    this.#liveness = liveness;
    this.#frequency = frequency;
    this.#places = places;
    this.#planInside();
    this.#planEdges();
    this.#decideStores();
  }

  inside(position: number): Move[] {
    return (this.#inside.get(position) ?? []).filter((move) => this.#isMade(move));
  }

  onEdge(from: number, index: number): Move[] {
    return (this.#edges.get(from)?.[index] ?? []).filter((move) => this.#isMade(move));
  }

  /** The move to memory behind a definition, if the value gets one. */
  afterDefinition(whole: Whole): Move | undefined {
    if (!this.#storedAtDefinition.has(whole) || whole.parts[0]!.place === "memory") return undefined;
    return { to: this.#places.spillOf(whole), from: this.#places.of(whole.parts[0]!) };
  }

  #isMade({ to, keeps }: PlannedMove): boolean {
    return to.kind !== "spill" || keeps === undefined || !this.#storedAtDefinition.has(keeps);
  }

  #planInside(): void {
    const starts = new Set(this.#numbering.starts);
    for (const whole of this.#places.wholes()) {
      for (const [index, part] of whole.parts.entries()) {
        const last = whole.parts[index - 1];
        if (!last || last.end !== part.start || starts.has(part.start)) continue;
        const key = isBehindArguments(part.start) ? part.start : part.start - (part.start % step);
        // Of two cuts in one place the moves are made at once: both start from where the value was before.
        let source = index - 1;
        while (whole.parts[source]!.start >= key) source--;
        this.#add(this.#listAt(key), whole.parts[source]!, part, this.#frequency[this.#blockAt(part.start)]!);
      }
    }
  }

  #listAt(key: number): PlannedMove[] {
    const list = this.#inside.get(key) ?? [];
    this.#inside.set(key, list);
    return list;
  }

  #planEdges(): void {
    const parameters = new Map(this.#fn.blocks.map((block) => [block.id, block.parameters]));
    for (const block of this.#fn.blocks) {
      const edges = machineEdges(block.terminator);
      const lists = edges.map(() => [] as PlannedMove[]);
      this.#edges.set(block.id, lists);
      const frequency = this.#frequency[block.id]! / Math.max(1, edges.length);
      for (const [index, edge] of edges.entries()) {
        const end = this.#numbering.blockEnd[block.id]! - 1;
        const start = this.#numbering.blockStart[edge.block]!;
        for (const value of this.#liveness.liveIn[edge.block]!) {
          const { parts } = this.#places.whole(value);
          // Most values are in one place all their life.
          if (parts.length === 1) continue;
          this.#add(lists[index]!, this.#places.partAt(value, end), this.#places.partAt(value, start), frequency);
        }
        this.#passArguments(lists[index]!, block, index, parameters.get(edge.block)!);
      }
    }
  }

  #passArguments(list: PlannedMove[], block: MachineBlock, index: number, parameters: readonly number[]): void {
    const edge = machineEdges(block.terminator)[index]!;
    const end = this.#numbering.blockEnd[block.id]! - 1;
    const start = this.#numbering.blockStart[edge.block]!;
    for (const [at, arg] of edge.args.entries()) {
      const parameter = this.#places.whole(parameters[at]!);
      if (isNeverRead(parameter)) continue;
      const to = this.#places.at(parameter.value, start) as Location;
      const from: MoveSource = arg.kind === "value" ? this.#places.at(arg.value, end) : arg;
      if (!isSameLocation(to, from)) list.push({ to, from });
    }
  }

  #add(list: PlannedMove[], from: Interval, to: Interval, frequency: number): void {
    const target = this.#places.of(to);
    const source = this.#places.of(from);
    if (target.kind !== "register" && target.kind !== "spill") return;
    if (isSameLocation(target, source)) return;
    const keeps = to.whole;
    list.push({ to: target, from: source, keeps });
    if (target.kind === "spill") this.#entering.set(keeps, (this.#entering.get(keeps) ?? 0) + frequency);
  }

  /** A value is written once: stored right there, it is in memory wherever that is asked for later. */
  #decideStores(): void {
    for (const [whole, frequency] of this.#entering) {
      const startsInMemory = whole.parts[0]!.place === "memory";
      const atDefinition = this.#frequency[this.#blockAt(whole.definition)]!;
      // On a tie the one store at the definition is less code than several.
      if (startsInMemory || frequency >= atDefinition) this.#storedAtDefinition.add(whole);
    }
  }

  #blockAt(position: number): number {
    const { starts } = this.#numbering;
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (starts[middle]! <= position) low = middle + 1;
      else high = middle;
    }
    return this.#fn.blocks[low - 1]!.id;
  }
}

/** A block parameter that is alive at its block's start only. */
export function isNeverRead(whole: Whole): boolean {
  return whole.parts.length === 1 && whole.parts[0]!.uses.length === 1;
}
