import type { Graph } from "../ir/graph.ts";
import type { Loop, Loops } from "../ir/loops.ts";
import { edgesOf } from "../ir/operands.ts";
import type { AllocatedFunction } from "./allocated.ts";
import { liveSpills } from "./clean-moves.ts";

/**
 * Overwrites spill slots that hold nothing any more where loops begin a round and where they are left, if they are
 * inside of loops that the verifier walks until their states repeat: those over iterators and with `may_goto`. In these
 * it compares slots that nobody reads again, too (incomplete_read_marks and stacksafe, kernel/bpf/verifier.c). What an
 * inner loop counts in is another known number for each of its rounds that lead out of it, and other slots are written
 * on some ways only; from each such state it would walk all that follows. Dead registers it does not compare.
 *
 * @param isShared whether a stack slot that is in use where the block begins has bytes of the spill slot
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
  const stale = staleAt(fn, graph, inner);
  if (stale.size === 0) return;
  const isLive = liveSpills(fn);
  for (const block of fn.blocks) {
    const offsets = [...(stale.get(block.id) ?? [])].filter(
      (one) => !isLive(block.id, one) && !isShared(one, block.id),
    );
    if (offsets.length === 0) continue;
    const { at } = block.terminator;
    const clears = offsets.sort((a, b) => b - a).map((offset) => ({ kind: "clear", offset, at }) as const);
    block.code = [...clears, ...block.code];
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

/** By block, the slots that a loop may have left behind where the block begins. */
function staleAt(
  fn: AllocatedFunction,
  graph: Graph,
  loops: readonly Loop[],
): ReadonlyMap<number, ReadonlySet<number>> {
  const stale = new Map<number, Set<number>>();
  for (const loop of loops) {
    const written = writtenIn(fn, loop);
    if (written.length === 0) continue;
    const left = [...loop.blocks].flatMap((id) => edgesOf(graph.blocks[id]!.terminator).map(({ block }) => block));
    for (const block of [loop.header, ...left.filter((to) => !loop.blocks.has(to))]) {
      stale.set(block, new Set([...(stale.get(block) ?? []), ...written]));
    }
  }
  return stale;
}

function writtenIn(fn: AllocatedFunction, { blocks }: Loop): readonly number[] {
  return fn.blocks.flatMap(({ id, edge, code }) => {
    if (!blocks.has(edge?.from ?? id)) return [];
    return code.flatMap((one) => (one.kind === "move" && one.to.kind === "spill" ? [one.to.offset] : []));
  });
}
