import { isSameLocation, type Location, type Move, type MoveSource } from "./allocated.ts";
import { fitsImmediate } from "./facts.ts";
import type { Register } from "./machine.ts";

/** What the sequence may use beside the locations of the moves. */
export interface Scratch {
  /** A register that holds nothing here and is not among `taken`; undefined when there is none. */
  readonly register: (taken: ReadonlySet<Register>) => Register | undefined;
  /** A spill slot of its own, by a number from 0: for when there is no register. */
  readonly slot: (index: number) => Location;
}

/**
 * Puts moves that are meant to happen at once in an order in which none overwrites what another still reads, with
 * cycles broken over a scratch place. Each move that comes out has at most one side in memory.
 */
export function sequentialise(moves: readonly Move[], scratch: Scratch): Move[] {
  const out: Move[] = [];
  let pending = moves.filter(({ to, from }) => !isSameLocation(to, from));
  while (pending.length > 0) {
    const ready = pending.find(
      ({ to }) => !pending.some(({ to: other, from }) => other !== to && isSameLocation(from, to)),
    );
    if (ready) {
      emit(out, ready, scratch, pending);
      pending = pending.filter((move) => move !== ready);
      continue;
    }
    // Only cycles are left: their first source goes aside, which frees its place.
    const [{ from }] = pending as [Move, ...Move[]];
    const aside = placeAside(from, scratch, pending);
    emit(out, { to: aside, from }, scratch, pending);
    pending = pending.map((move) => (isSameLocation(move.from, from) ? { to: move.to, from: aside } : move));
  }
  return out;
}

function placeAside(from: MoveSource, scratch: Scratch, pending: readonly Move[]): Location {
  const register = freeRegister(scratch, pending);
  if (register !== undefined) return { kind: "register", register };
  // A register goes to memory directly; memory to memory takes a register on the way, saved in slot 1.
  return scratch.slot(from.kind === "spill" ? 2 : 0);
}

/** One that nobody needs, or one that a later move fills and no move reads. */
function freeRegister(scratch: Scratch, pending: readonly Move[]): Register | undefined {
  const sources = new Set<Register>();
  const targets = new Set<Register>();
  for (const { to, from } of pending) {
    if (from.kind === "register") sources.add(from.register);
    if (to.kind === "register") targets.add(to.register);
  }
  const unused = scratch.register(new Set([...sources, ...targets]));
  return unused ?? [...targets].find((register) => !sources.has(register));
}

function emit(out: Move[], { to, from }: Move, scratch: Scratch, pending: readonly Move[]): void {
  if (to.kind === "register" || from.kind === "register" || isSmallImmediate(from)) {
    out.push({ to, from });
    return;
  }
  const register = freeRegister(scratch, pending);
  if (register !== undefined) {
    const over: Location = { kind: "register", register };
    out.push({ to: over, from }, { to, from: over });
    return;
  }
  // All ten are in use, so any will do as long as it is put back.
  const over: Location = { kind: "register", register: 0 };
  const saved = scratch.slot(1);
  out.push({ to: saved, from: over }, { to: over, from }, { to, from: over }, { to: over, from: saved });
}

/** What a store instruction takes as its immediate. */
function isSmallImmediate(from: MoveSource): boolean {
  return from.kind === "immediate" && fitsImmediate(from.value);
}
