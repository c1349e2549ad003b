import type { Loop, Loops } from "../ir/loops.ts";
import type { AllocatedBlock, AllocatedFunction } from "./allocated.ts";
import type { Numbering } from "./build-intervals.ts";
import type { Places } from "./places.ts";

/**
 * Overwrites, where an iterator's next round begins, the spill slots that loops inside of the round have left behind.
 * The verifier takes up a round anew unless its state is one that it knows, and until it is through with the iterator's
 * loop it compares slots that nobody reads again, too (incomplete_read_marks, stacksafe in kernel/bpf/verifier.c). What
 * a plain loop counts in is another known number for each of its rounds that lead out of it; with a few more slots that
 * some ways write and others do not, rounds are taken up anew beyond all limits. Dead registers it does not compare.
 */
export function clearStaleSpills(fn: AllocatedFunction, loops: Loops, numbering: Numbering, places: Places): void {
  for (const block of fn.blocks) {
    if (!beginsRound(block)) continue;
    const loop = loops.loops.findLast(({ blocks }) => blocks.has(block.id));
    if (!loop) continue;
    const range = { from: numbering.blockStart[block.id]!, to: numbering.blockEnd[block.id]! };
    const stale = leftBehind(fn, loop, loops).filter((offset) => places.isFree(offset, range));
    const { at } = block.terminator;
    block.code = [...stale.map((offset) => ({ kind: "clear", offset, at }) as const), ...block.code];
  }
}

function beginsRound({ code }: AllocatedBlock): boolean {
  return code.some((one) => {
    if (one.kind !== "operation" || one.physical.kind !== "call") return false;
    const { target } = one.physical;
    return target.kind === "kfunc" && target.name === "bpf_iter_num_next";
  });
}

/** The slots that are written in loops inside of this one, in the order of the frame. */
function leftBehind(fn: AllocatedFunction, { header, blocks }: Loop, { depth }: Loops): readonly number[] {
  const offsets = new Set<number>();
  for (const { id, edge, code } of fn.blocks) {
    const origin = edge?.from ?? id;
    if (!blocks.has(origin) || depth[origin]! <= depth[header]!) continue;
    for (const one of code) if (one.kind === "move" && one.to.kind === "spill") offsets.add(one.to.offset);
  }
  return [...offsets].sort((a, b) => b - a);
}
