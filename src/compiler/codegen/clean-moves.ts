import type { AllocatedBlock, AllocatedCode, Location, MoveSource } from "./allocated.ts";
import { type MachineInstruction, machineEdges, rematerialKey } from "./machine.ts";
import { forEachTerminatorUse, forEachUse, machineResult } from "./uses.ts";

/**
 * Removes what splitting and resolving left behind: moves to a place that holds the value already, loads of what is
 * still in a register, and moves to a place that nobody reads again.
 */
export function cleanMoves(blocks: readonly AllocatedBlock[]): void {
  const predecessors = predecessorsOf(blocks);
  removeRepeated(blocks, predecessors);
  removeUnread(blocks, predecessors);
}

function predecessorsOf(blocks: readonly AllocatedBlock[]): ReadonlyMap<number, readonly number[]> {
  const predecessors = new Map<number, number[]>(blocks.map((block) => [block.id, []]));
  for (const block of blocks) {
    for (const edge of machineEdges(block.terminator)) predecessors.get(edge.block)!.push(block.id);
  }
  return predecessors;
}

/** A register as 0..9, a spill slot as its negative offset: one number for each place. */
type Place = number;

function placeOf(location: Location): Place {
  return location.kind === "register" ? location.register : location.offset;
}

function isPlace(source: MoveSource): source is Location {
  return source.kind === "register" || source.kind === "spill";
}

// --------------------------------------------------------------------------------------------------- repeated moves

/** Which places hold the same: equal entries do. A number stands for something unknown, a string for a known value. */
type Held = Map<Place, number | string>;

function removeRepeated(blocks: readonly AllocatedBlock[], predecessors: ReadonlyMap<number, readonly number[]>): void {
  const ends = new Map<number, Held>();
  let unknown = 0;
  for (const block of blocks) {
    const [from, ...others] = predecessors.get(block.id)!;
    // What is known at the end of the only way here is still known.
    const known = others.length === 0 && from !== undefined ? ends.get(from) : undefined;
    if (block.code.length === 0) {
      if (known) ends.set(block.id, known);
      continue;
    }
    const held: Held = new Map(known);
    const heldIn = (place: Place): number | string => {
      if (!held.has(place)) held.set(place, unknown++);
      return held.get(place)!;
    };
    const code: AllocatedCode[] = [];
    for (const one of block.code) {
      if (one.kind === "operation") {
        for (const place of written(one.physical)) held.set(place, unknown++);
        code.push(one);
        continue;
      }
      const value = isPlace(one.from) ? heldIn(placeOf(one.from)) : rematerialKey(one.from);
      if (held.get(placeOf(one.to)) === value) continue;
      held.set(placeOf(one.to), value);
      code.push({ ...one, from: cheapest(one.from, value, held, placeOf(one.to)) });
    }
    block.code.splice(0, block.code.length, ...code);
    ends.set(block.id, held);
  }
}

/** A register that holds what a spill slot does saves the load. */
function cheapest(from: MoveSource, value: number | string, held: Held, except: Place): MoveSource {
  if (from.kind !== "spill") return from;
  for (let register = 0; register < 10; register++) {
    if (register !== except && held.get(register) === value) return { kind: "register", register };
  }
  return from;
}

// ----------------------------------------------------------------------------------------------------- unread moves

function removeUnread(blocks: readonly AllocatedBlock[], predecessors: ReadonlyMap<number, readonly number[]>): void {
  const byId = new Map(blocks.map((block) => [block.id, block]));
  const liveIn = new Map<number, ReadonlySet<Place>>();
  const liveOut = (block: AllocatedBlock): Set<Place> => {
    const live = new Set<Place>();
    for (const edge of machineEdges(block.terminator))
      for (const place of liveIn.get(edge.block) ?? []) live.add(place);
    return live;
  };
  const work = blocks.map(({ id }) => id);
  const waiting = new Set(work);
  for (let id = work.pop(); id !== undefined; id = work.pop()) {
    waiting.delete(id);
    const block = byId.get(id)!;
    const live = walkBack(block, liveOut(block), () => {});
    if (live.size === liveIn.get(id)?.size) continue;
    liveIn.set(id, live);
    for (const from of predecessors.get(id)!) {
      if (waiting.has(from)) continue;
      waiting.add(from);
      work.push(from);
    }
  }
  for (const block of blocks) {
    const unread = new Set<AllocatedCode>();
    walkBack(block, liveOut(block), (move) => unread.add(move));
    if (unread.size > 0) block.code.splice(0, block.code.length, ...block.code.filter((one) => !unread.has(one)));
  }
}

/** From the places that are read behind the block to those read from its start on; reports moves that are not read. */
function walkBack(block: AllocatedBlock, live: Set<Place>, unread: (move: AllocatedCode) => void): Set<Place> {
  forEachTerminatorUse(block.terminator, (register) => live.add(register));
  for (let index = block.code.length - 1; index >= 0; index--) {
    const one = block.code[index]!;
    if (one.kind === "operation") {
      for (const place of written(one.physical)) live.delete(place);
      for (const place of read(one.virtual, one.physical)) live.add(place);
      continue;
    }
    const to = placeOf(one.to);
    if (!live.delete(to)) {
      unread(one);
      continue;
    }
    if (isPlace(one.from)) live.add(placeOf(one.from));
  }
  return live;
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

function read(virtual: MachineInstruction, physical: MachineInstruction): readonly Place[] {
  if (virtual.kind === "call") return virtual.args.map((_, index) => index + 1);
  const places: Place[] = physical.kind === "atomic" && physical.op === "cmpxchg" ? [0] : [];
  // The right operand of x op x is in the register that the left one names.
  if (physical.kind === "alu") places.push(physical.result);
  forEachUse(physical, (register) => places.push(register));
  return places;
}
