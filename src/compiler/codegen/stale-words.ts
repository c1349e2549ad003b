import type { Graph } from "../ir/graph.ts";
import type { Loop, Loops } from "../ir/loops.ts";
import { edgesOf } from "../ir/operands.ts";
import type { AllocatedBlock, AllocatedCode, AllocatedFunction } from "./allocated.ts";
import { liveSpills } from "./clean-moves.ts";
import { machineEdges } from "./machine.ts";

/** What lies in the frame, by words of eight bytes: each word's negative offset from r10. */
export interface FrameWords {
  /** Whether a word has something in it that is read from the start of one of the function's own blocks on. */
  isInUse(offset: number, block: number): boolean;
  /** The words of stack slots that are in use somewhere in the block. */
  usedIn(block: number): readonly number[];
}

type InUse = (block: number, offset: number) => boolean;

/**
 * Overwrites words of the frame that hold nothing any more, in loops that the verifier walks until their states repeat:
 * those over iterators, through `bpf_loop` and with `may_goto`, and the loops inside of them. There it compares words
 * that nobody reads again, too (incomplete_read_marks and stacksafe, kernel/bpf/verifier.c). What an inner loop counts
 * in is another known number for each of its rounds that lead out of it, and other words are written on some ways only;
 * from each such state it would walk all that follows. Dead registers it does not compare.
 */
export function clearStaleWords(fn: AllocatedFunction, graph: Graph, { loops }: Loops, words: FrameWords): void {
  const repeated = loops.filter(({ blocks }) => [...blocks].some((id) => isRepeated(graph, id)));
  // A static function may be what is repeated: the body of `bpf_loop`.
  const isWithin = (loop: Loop): boolean =>
    graph.fn.linkage === "static" || repeated.some((outer) => isInside(loop, outer));
  const cleared = loops.filter((one) => isWithin(one) || (repeated.includes(one) && hasSeveralWays(graph, one)));
  if (cleared.length === 0) return;
  const isLive = liveSpills(fn);
  const ahead = new Map(fn.blocks.map((block) => [block.id, block.edge ? targetsOf(block)[0]! : block.id]));
  const inUse: InUse = (block, offset) => isLive(block, offset) || words.isInUse(offset, ahead.get(block)!);
  const clears = { starts: new Clears(), ends: new Clears() };
  for (const loop of cleared) {
    const written = writtenIn(fn, loop, words);
    clearTurns(fn, loop, written, inUse, clears);
    if (isWithin(loop)) clearExits(graph, loop, written, inUse, clears);
  }
  for (const block of fn.blocks) {
    block.code = [...clears.starts.of(block), ...block.code, ...clears.ends.of(block)];
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

function hasSeveralWays(graph: Graph, { blocks }: Loop): boolean {
  return [...blocks].some(
    (id) => edgesOf(graph.blocks[id]!.terminator).filter(({ block }) => blocks.has(block)).length > 1,
  );
}

/** Words to be cleared, by block. */
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

interface AllClears {
  readonly starts: Clears;
  readonly ends: Clears;
}

/**
 * A round is cleared up behind before it turns: the verifier keeps its state there (checkpoints.ts). What the way out
 * of the turn still reads is left for the head.
 */
function clearTurns(
  fn: AllocatedFunction,
  loop: Loop,
  written: ReadonlySet<number>,
  inUse: InUse,
  { starts, ends }: AllClears,
): void {
  const turns = fn.blocks.filter((block) => isOf(loop, block) && targetsOf(block).includes(loop.header));
  for (const offset of written) {
    if (inUse(loop.header, offset)) continue;
    const free = turns.filter((block) => targetsOf(block).every((to) => !inUse(to, offset)));
    for (const { id } of free) ends.add(id, offset);
    if (free.length < turns.length) starts.add(loop.header, offset);
  }
}

function clearExits(graph: Graph, loop: Loop, written: ReadonlySet<number>, inUse: InUse, { starts }: AllClears): void {
  const left = [...loop.blocks].flatMap((id) => edgesOf(graph.blocks[id]!.terminator).map(({ block }) => block));
  for (const block of left.filter((to) => !loop.blocks.has(to))) {
    for (const offset of written) if (!inUse(block, offset)) starts.add(block, offset);
  }
}

function targetsOf({ terminator }: AllocatedBlock): readonly number[] {
  return machineEdges(terminator).map(({ block }) => block);
}

function isOf(loop: Loop, { id, edge }: AllocatedBlock): boolean {
  return loop.blocks.has(edge?.from ?? id);
}

/** Slots may be written to by what their address is given to: one that is in use counts as written. */
function writtenIn(fn: AllocatedFunction, loop: Loop, words: FrameWords): ReadonlySet<number> {
  const written = new Set([...loop.blocks].flatMap((id) => words.usedIn(id)));
  for (const block of fn.blocks) {
    if (!isOf(loop, block)) continue;
    for (const one of block.code) if (one.kind === "move" && one.to.kind === "spill") written.add(one.to.offset);
  }
  return written;
}
