import type { Graph } from "../ir/graph.ts";
import type { Loop, Loops } from "../ir/loops.ts";
import { edgesOf } from "../ir/operands.ts";
import type { AllocatedBlock, AllocatedCode, AllocatedFunction } from "./allocated.ts";
import { liveSpills } from "./clean-moves.ts";
import { machineEdges } from "./machine.ts";

/** Whether a spill slot has something in it that is read from the start of the block on. */
type InUse = (block: number, offset: number) => boolean;

/**
 * Overwrites spill slots that hold nothing any more where rounds of loops end and where loops are left, if they are
 * inside of loops that the verifier walks until their states repeat: those over iterators and with `may_goto`. In these
 * it compares slots that nobody reads again, too (incomplete_read_marks and stacksafe, kernel/bpf/verifier.c). What an
 * inner loop counts in is another known number for each of its rounds that lead out of it, and other slots are written
 * on some ways only; from each such state it would walk all that follows. Dead registers it does not compare.
 *
 * @param isShared whether a stack slot that is in use where one of the function's own blocks begins has bytes of the
 *   spill slot
 */
export function clearStaleSpills(
  fn: AllocatedFunction,
  graph: Graph,
  { loops }: Loops,
  isShared: (offset: number, block: number) => boolean,
): void {
  const repeated = loops.filter(({ blocks }) => [...blocks].some((id) => isRepeated(graph, id)));
  const inner = loops.filter((loop) => repeated.some((outer) => isInside(loop, outer)));
  if (inner.length === 0) return;
  const isLive = liveSpills(fn);
  const ahead = new Map(fn.blocks.map((block) => [block.id, block.edge ? targetsOf(block)[0]! : block.id]));
  const inUse: InUse = (block, offset) => isLive(block, offset) || isShared(offset, ahead.get(block)!);
  const starts = new Clears();
  const ends = new Clears();
  for (const loop of inner) clearIn(fn, graph, loop, inUse, { starts, ends });
  for (const block of fn.blocks) {
    block.code = [...starts.of(block), ...block.code, ...ends.of(block)];
  }
}

function isInside(loop: Loop, outer: Loop): boolean {
  return loop !== outer && outer.blocks.has(loop.header);
}

function isRepeated(graph: Graph, id: number): boolean {
  const { instructions, terminator } = graph.blocks[id]!;
  if (terminator.kind === "mayGoto") return true;
  return instructions.some((one) => one.kind === "callKfunc" && one.name === "bpf_iter_num_next");
}

/** Slots to be cleared, by block. */
class Clears {
  readonly #offsets = new Map<number, Set<number>>();

  add(block: number, offset: number): void {
    const offsets = this.#offsets.get(block);
    if (offsets) offsets.add(offset);
    else this.#offsets.set(block, new Set([offset]));
  }

  of({ id, terminator: { at } }: AllocatedBlock): readonly AllocatedCode[] {
    const offsets = [...(this.#offsets.get(id) ?? [])].sort((a, b) => b - a);
    return offsets.map((offset) => ({ kind: "clear", offset, at }) as const);
  }
}

/**
 * A round is cleared up behind before it turns: the verifier keeps its state there (checkpoints.ts). What the way out
 * of the turn still reads is left for the head.
 */
function clearIn(
  fn: AllocatedFunction,
  graph: Graph,
  loop: Loop,
  inUse: InUse,
  { starts, ends }: { readonly starts: Clears; readonly ends: Clears },
): void {
  const left = [...loop.blocks].flatMap((id) => edgesOf(graph.blocks[id]!.terminator).map(({ block }) => block));
  const outside = left.filter((to) => !loop.blocks.has(to));
  const turns = fn.blocks.filter((block) => isOf(loop, block) && targetsOf(block).includes(loop.header));
  for (const offset of writtenIn(fn, loop)) {
    for (const block of outside) if (!inUse(block, offset)) starts.add(block, offset);
    if (inUse(loop.header, offset)) continue;
    const free = turns.filter((block) => targetsOf(block).every((to) => !inUse(to, offset)));
    for (const { id } of free) ends.add(id, offset);
    if (free.length < turns.length) starts.add(loop.header, offset);
  }
}

function targetsOf({ terminator }: AllocatedBlock): readonly number[] {
  return machineEdges(terminator).map(({ block }) => block);
}

function isOf(loop: Loop, { id, edge }: AllocatedBlock): boolean {
  return loop.blocks.has(edge?.from ?? id);
}

function writtenIn(fn: AllocatedFunction, loop: Loop): ReadonlySet<number> {
  const written = new Set<number>();
  for (const block of fn.blocks) {
    if (!isOf(loop, block)) continue;
    for (const one of block.code) if (one.kind === "move" && one.to.kind === "spill") written.add(one.to.offset);
  }
  return written;
}
