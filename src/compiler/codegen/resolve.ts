import type { Graph } from "../ir/graph.ts";
import {
  type AllocatedBlock,
  type AllocatedCode,
  type AllocatedFunction,
  type Location,
  type Move,
  registerAt,
  terminatorWithRegisters,
  withRegisters,
} from "./allocated.ts";
import type { Numbering } from "./build-intervals.ts";
import { before, reading, step, writing } from "./interval.ts";
import {
  type MachineBlock,
  type MachineFunction,
  type MachineInstruction,
  machineEdges,
  type Register,
  type Source,
  type VirtualRegister,
} from "./machine.ts";
import { isNeverRead, type MovePlan } from "./moves.ts";
import { sequentialise } from "./parallel-copy.ts";
import type { Places } from "./places.ts";
import { isTiedAtomic, machineResult, tiedSource, type UseKind } from "./uses.ts";

/** Writes the code out with registers and with all moves made. */
export class Resolution {
  readonly #fn: MachineFunction;
  readonly #graph: Graph;
  readonly #numbering: Numbering;
  readonly #places: Places;
  readonly #blocks: ReadonlyMap<number, MachineBlock>;
  readonly #moves: MovePlan;
  readonly #scratchSlots: Location[] = [];
  readonly #edgeBlocks: AllocatedBlock[] = [];
  #code: AllocatedCode[] = [];
  #nextBlock: number;

  constructor(fn: MachineFunction, graph: Graph, numbering: Numbering, places: Places, moves: MovePlan) {
    this.#fn = fn;
    this.#graph = graph;
    this.#numbering = numbering;
    this.#places = places;
    this.#moves = moves;
    this.#blocks = new Map(fn.blocks.map((block) => [block.id, block]));
    this.#nextBlock = fn.blockCount;
  }

  run(): AllocatedFunction {
    const blocks = this.#fn.blocks.map((block) => this.#block(block));
    return {
      name: this.#fn.name,
      blocks: [...blocks, ...this.#edgeBlocks],
      slotOffsets: this.#places.stackOffsets,
      frameSize: this.#places.frameSize,
    };
  }

  // ---------------------------------------------------------------------------------------------------- blocks

  #block(block: MachineBlock): AllocatedBlock {
    this.#code = [];
    const start = this.#numbering.blockStart[block.id]!;
    const end = this.#numbering.blockEnd[block.id]!;
    this.#begin(block, start);
    let position = start;
    for (const instruction of block.instructions) {
      position += step;
      this.#moveAll(this.#moves.inside(position), instruction.at, [position - 1, position]);
      this.#instruction(instruction, position);
    }
    const last = end - step;
    const { terminator } = block;
    this.#moveAll(this.#moves.inside(last), terminator.at, [last - 1, last]);
    if (terminator.kind === "return") {
      this.#moveAll([{ to: registerAt(0), from: this.#sourceAt(terminator.source, last) }], terminator.at, [last]);
    }
    const allocated: AllocatedBlock = {
      id: block.id,
      code: this.#code,
      terminator: terminatorWithRegisters(terminator, (value) => this.#registerAt(value, last + reading)),
    };
    this.#leave(block, allocated);
    return allocated;
  }

  #begin(block: MachineBlock, start: number): void {
    const at = block.instructions[0]?.at ?? block.terminator.at;
    const isEntry = block === this.#fn.blocks[0];
    if (isEntry) {
      const moves = this.#fn.parameters.flatMap((value, index): Move[] => {
        const whole = this.#places.find(value);
        if (!whole || isNeverRead(whole)) return [];
        return [{ to: this.#places.at(value, start) as Location, from: registerAt(index + 1) }];
      });
      this.#moveAll(moves, at, [start]);
    } else {
      const [from, ...others] = this.#graph.predecessors[block.id]!;
      if (others.length === 0) {
        const source = this.#blocks.get(from!)!;
        const index = machineEdges(source.terminator).findIndex((edge) => edge.block === block.id);
        // With one successor the predecessor has made them already.
        if (machineEdges(source.terminator).length > 1) this.#edgeMoves(source, index, at);
      }
    }
    for (const value of isEntry ? this.#fn.parameters : block.parameters) this.#storeDefined(value, at);
  }

  /** Moves on edges go to the end of this block, to the start of the next, or between: where no other way passes. */
  #leave(block: MachineBlock, allocated: AllocatedBlock): void {
    const edges = machineEdges(block.terminator);
    if (edges.length === 1) {
      this.#edgeMoves(block, 0, block.terminator.at);
      return;
    }
    for (const [index, edge] of edges.entries()) {
      if (this.#graph.predecessors[edge.block]!.length === 1) continue;
      this.#code = [];
      this.#edgeMoves(block, index, block.terminator.at);
      if (this.#code.length === 0) continue;
      const id = this.#nextBlock++;
      const terminator = { kind: "jump", to: { block: edge.block, args: [] }, at: block.terminator.at } as const;
      this.#edgeBlocks.push({ id, code: this.#code, terminator, edge: { from: block.id, index } });
      allocated.terminator = redirect(allocated.terminator, index, id);
    }
  }

  #edgeMoves(from: MachineBlock, index: number, at: number): void {
    const to = machineEdges(from.terminator)[index]!.block;
    const positions = [this.#numbering.blockEnd[from.id]! - 1, this.#numbering.blockStart[to]!];
    this.#moveAll(this.#moves.onEdge(from.id, index), at, positions);
  }

  // ---------------------------------------------------------------------------------------------- instructions

  #instruction(i: MachineInstruction, position: number): void {
    if (i.kind === "call") {
      this.#call(i, position);
      return;
    }
    const result = machineResult(i);
    const whole = result === undefined ? undefined : this.#places.find(result);
    const isFixed = i.kind === "atomic" && !isTiedAtomic(i) && result !== undefined;
    if (i.kind === "atomic" && i.expected) {
      this.#moveAll([{ to: registerAt(0), from: this.#sourceAt(i.expected, position) }], i.at, [position]);
    }
    const out = result === undefined ? undefined : isFixed ? 0 : this.#resultRegister(result, position);
    const tied = tiedSource(i);
    if (tied && out !== undefined) {
      this.#moveAll([{ to: registerAt(out), from: this.#sourceAt(tied, position + reading) }], i.at, [position]);
    }
    const physical = withRegisters(i, (value, kind) => this.#registerAt(value, positionOf(kind, position)), out);
    this.#code.push({ kind: "operation", virtual: i, physical });
    if (whole && result !== undefined) this.#finishResult(result, position, i.at, isFixed);
  }

  /** Arguments and the moves away from r0..r5 read their sources all at once. */
  #call(i: Extract<MachineInstruction, { kind: "call" }>, position: number): void {
    const args = i.args.map(
      (arg, index): Move => ({
        to: registerAt(index + 1),
        from: this.#sourceAt(arg, position + before),
      }),
    );
    const moves = [...this.#moves.inside(position + reading), ...args];
    // r0 is lost in the call, so nothing that lives on is in it.
    const scratch = { register: (taken: ReadonlySet<Register>) => (taken.has(0) ? undefined : 0) };
    this.#push(sequentialise(moves, { ...scratch, slot: (index) => this.#scratchSlot(index) }), i.at);
    this.#code.push({ kind: "operation", virtual: i, physical: withRegisters(i, () => 0, 0) });
    if (this.#places.find(i.result)) this.#finishResult(i.result, position, i.at, true);
  }

  /** Brings a result out of r0, where the instruction left it, and to memory if it is kept there. */
  #finishResult(value: VirtualRegister, position: number, at: number, isInR0: boolean): void {
    if (isInR0) {
      const whole = this.#places.whole(value);
      if (!isNeverRead(whole)) {
        const to = this.#places.at(value, position + writing) as Location;
        this.#moveAll([{ to, from: registerAt(0) }], at, [position + writing]);
      }
    }
    this.#storeDefined(value, at);
  }

  #storeDefined(value: VirtualRegister, at: number): void {
    const whole = this.#places.find(value);
    const move = whole && this.#moves.afterDefinition(whole);
    if (move) this.#push([move], at);
  }

  #resultRegister(value: VirtualRegister, position: number): Register {
    return this.#registerAt(value, position + writing);
  }

  #registerAt(value: VirtualRegister, position: number): Register {
    const { place } = this.#places.partAt(value, position);
    if (typeof place !== "object") throw new Error(`virtual register ${value} is in no register at ${position}`);
    return place.register;
  }

  #sourceAt(source: Source, position: number): Move["from"] {
    return source.kind === "value" ? this.#places.at(source.value, position) : source;
  }

  // ----------------------------------------------------------------------------------------------------- moves

  #moveAll(moves: readonly Move[], at: number, positions: readonly number[]): void {
    if (moves.length === 0) return;
    let occupied: ReadonlySet<Register> | undefined;
    const scratch = {
      register: (taken: ReadonlySet<Register>): Register | undefined => {
        occupied ??= this.#places.occupied(positions);
        return allRegisters.find((register) => !occupied!.has(register) && !taken.has(register));
      },
      slot: (index: number) => this.#scratchSlot(index),
    };
    this.#push(sequentialise(moves, scratch), at);
  }

  #push(moves: readonly Move[], at: number): void {
    for (const move of moves) this.#code.push({ kind: "move", ...move, at });
  }

  #scratchSlot(index: number): Location {
    this.#scratchSlots[index] ??= this.#places.newSlot();
    return this.#scratchSlots[index];
  }
}

const allRegisters: readonly Register[] = [5, 4, 3, 2, 1, 0, 9, 8, 7, 6];

function positionOf(kind: UseKind, position: number): number {
  switch (kind) {
    case "argument":
      return position + before;
    case "any":
    case "register":
      return position + reading;
    case "late":
      return position + writing;
  }
}

function redirect(
  terminator: AllocatedBlock["terminator"],
  index: number,
  block: number,
): AllocatedBlock["terminator"] {
  if (terminator.kind !== "branch" && terminator.kind !== "mayGoto") return terminator;
  const edge = { block, args: [] };
  return index === 0 ? { ...terminator, then: edge } : { ...terminator, otherwise: edge };
}
