import type { AllocatedBlock, AllocatedCode, AllocatedFunction, Location, MoveSource } from "./allocated.ts";
import { type MachineInstruction, machineEdges, rematerialKey } from "./machine.ts";
import { forEachTerminatorUse, forEachUse, machineResult } from "./uses.ts";

/**
 * Removes what splitting and resolving left behind: moves to a place that holds the value already, loads of what is
 * still in a register, and moves to a place that nobody reads again.
 */
export function cleanMoves({ blocks, frameSize }: AllocatedFunction): void {
  const predecessors = predecessorsOf(blocks);
  removeRepeated(blocks, predecessors);
  removeUnread(blocks, predecessors, placesIn(frameSize));
}

/** By block id. */
function predecessorsOf(blocks: readonly AllocatedBlock[]): readonly (readonly number[])[] {
  const predecessors: number[][] = [];
  for (const { id } of blocks) predecessors[id] = [];
  for (const { id, terminator } of blocks) {
    for (const edge of machineEdges(terminator)) predecessors[edge.block]!.push(id);
  }
  return predecessors;
}

/** Registers as 0..10, then the spill slots: one number for each place. */
type Place = number;

const firstSlot = 11;
const slotSize = 8;

function placeOf(location: Location): Place {
  return location.kind === "register" ? location.register : slotAt(location.offset);
}

function slotAt(offset: number): Place {
  return firstSlot - 1 - offset / slotSize;
}

function placesIn(frameSize: number): number {
  return firstSlot + Math.ceil(frameSize / slotSize);
}

function isPlace(source: MoveSource): source is Location {
  return source.kind === "register" || source.kind === "spill";
}

// --------------------------------------------------------------------------------------------------- repeated moves

/** By place, what it holds: equal entries hold the same. A number is something unknown, a string a known value. */
type Held = (number | string | undefined)[];

function removeRepeated(blocks: readonly AllocatedBlock[], predecessors: readonly (readonly number[])[]): void {
  const ends: (Held | undefined)[] = [];
  let unknown = 0;
  for (const block of blocks) {
    const from = predecessors[block.id]!;
    // What is known at the end of the only way here is still known.
    const known = from.length === 1 ? ends[from[0]!] : undefined;
    if (block.code.length === 0) {
      ends[block.id] = known;
      continue;
    }
    const held: Held = known ? known.slice() : [];
    const code: AllocatedCode[] = [];
    for (const one of block.code) {
      if (one.kind === "operation") {
        for (const place of written(one.physical)) held[place] = unknown++;
        code.push(one);
        continue;
      }
      if (one.kind === "clear") {
        held[slotAt(one.offset)] = undefined;
        code.push(one);
        continue;
      }
      const to = placeOf(one.to);
      const value = isPlace(one.from) ? (held[placeOf(one.from)] ??= unknown++) : rematerialKey(one.from);
      if (held[to] === value) continue;
      held[to] = value;
      const from = cheapest(one.from, value, held, to);
      code.push(from === one.from ? one : { ...one, from });
    }
    block.code = code;
    ends[block.id] = held;
  }
}

/** A register that holds what a spill slot does saves the load. */
function cheapest(from: MoveSource, value: number | string, held: Held, except: Place): MoveSource {
  if (from.kind !== "spill") return from;
  for (let register = 0; register < 10; register++) {
    if (register !== except && held[register] === value) return { kind: "register", register };
  }
  return from;
}

// ----------------------------------------------------------------------------------------------------- unread moves

function removeUnread(
  blocks: readonly AllocatedBlock[],
  predecessors: readonly (readonly number[])[],
  placeCount: number,
): void {
  const liveness = new Liveness(blocks, predecessors, placeCount);
  for (const block of blocks) {
    if (block.code.every(({ kind }) => kind !== "move")) continue;
    const unread: AllocatedCode[] = [];
    walkBack(block, liveness.behind(block), (move) => unread.push(move));
    if (unread.length > 0) block.code = block.code.filter((one) => !unread.includes(one));
  }
}

/** Tells of a spill slot whether what it holds at a block's start is read again. */
export function liveSpills({ blocks, frameSize }: AllocatedFunction): (block: number, offset: number) => boolean {
  const liveness = new Liveness(blocks, predecessorsOf(blocks), placesIn(frameSize));
  return (block, offset) => liveness.isLive(block, slotAt(offset));
}

/** Which places are read before they are written, by block. */
class Liveness {
  readonly #placeCount: number;
  /** Row by block id, by place. */
  readonly #atStart: Uint8Array;
  readonly #live: Uint8Array;

  constructor(blocks: readonly AllocatedBlock[], predecessors: readonly (readonly number[])[], placeCount: number) {
    const byId: AllocatedBlock[] = [];
    for (const block of blocks) byId[block.id] = block;
    this.#placeCount = placeCount;
    this.#atStart = new Uint8Array(byId.length * placeCount);
    this.#live = new Uint8Array(placeCount);
    const work = blocks.map(({ id }) => id);
    const waiting = new Set(work);
    for (let id = work.pop(); id !== undefined; id = work.pop()) {
      waiting.delete(id);
      const block = byId[id]!;
      walkBack(block, this.behind(block), ignore);
      if (!include(this.#atStart, id * placeCount, this.#live)) continue;
      for (const from of predecessors[id]!) {
        if (waiting.has(from)) continue;
        waiting.add(from);
        work.push(from);
      }
    }
  }

  isLive(block: number, place: Place): boolean {
    return this.#atStart[block * this.#placeCount + place] === 1;
  }

  /** By place, behind the block; good until the next call. */
  behind({ terminator }: AllocatedBlock): Uint8Array {
    const count = this.#placeCount;
    const live = this.#live.fill(0);
    for (const { block } of machineEdges(terminator)) {
      for (let place = 0; place < count; place++) live[place]! |= this.#atStart[block * count + place]!;
    }
    return live;
  }
}

const ignore = (): void => {};

/** Adds the places of `live` to the row at `start`; gives whether there were new ones. */
function include(rows: Uint8Array, start: number, live: Uint8Array): boolean {
  let grown = false;
  for (let place = 0; place < live.length; place++) {
    if (live[place]! <= rows[start + place]!) continue;
    rows[start + place] = 1;
    grown = true;
  }
  return grown;
}

/** From the places that are read behind the block to those read from its start on; reports moves that are not read. */
function walkBack(block: AllocatedBlock, live: Uint8Array, unread: (move: AllocatedCode) => void): void {
  const read = (place: Place): void => {
    live[place] = 1;
  };
  forEachTerminatorUse(block.terminator, read);
  for (let index = block.code.length - 1; index >= 0; index--) {
    const one = block.code[index]!;
    if (one.kind === "operation") {
      for (const place of written(one.physical)) live[place] = 0;
      forEachRead(one.virtual, one.physical, read);
      continue;
    }
    if (one.kind === "clear") continue;
    const to = placeOf(one.to);
    if (live[to] === 0) {
      unread(one);
      continue;
    }
    live[to] = 0;
    if (isPlace(one.from)) read(placeOf(one.from));
  }
}

// ---------------------------------------------------------------------------------------- what operations do to places

const clobbered: readonly Place[] = [0, 1, 2, 3, 4, 5];

function written(physical: MachineInstruction): readonly Place[] {
  switch (physical.kind) {
    case "call":
      return clobbered;
    case "store":
      return [];
    case "atomic":
      if (physical.op === "cmpxchg") return [0];
      return physical.op.startsWith("fetch") || physical.op === "xchg" ? [physical.value] : [];
    default:
      return [machineResult(physical)!];
  }
}

function forEachRead(virtual: MachineInstruction, physical: MachineInstruction, visit: (place: Place) => void): void {
  if (virtual.kind === "call") {
    for (let register = 1; register <= virtual.args.length; register++) visit(register);
    return;
  }
  if (physical.kind === "atomic" && physical.op === "cmpxchg") visit(0);
  // The right operand of x op x is in the register that the left one names.
  if (physical.kind === "alu") visit(physical.result);
  forEachUse(physical, visit);
}
