import * as build from "../../bytecode/build.ts";
import type { Position } from "../hir/position.ts";
import { helpers } from "../ir/helpers.ts";
import type { Loop, Loops } from "../ir/loops.ts";
import { type FinalBlock, type Item, targetsOf } from "./final.ts";
import type { Target } from "./target.ts";

/**
 * How many steps it takes until the verifier keeps a state in any case: it does so at jumps, at least eight
 * instructions and two jumps behind the last state that it kept (is_state_visited, kernel/bpf/verifier.c).
 */
const distance = 8;

/**
 * Adds places where paths meet for the verifier. It walks every path until it comes to a state like one that it kept,
 * so where it keeps none, the ways through one piece of code and those through the next multiply. A place is a row of
 * jumps to the next instruction. The kernel takes those out once the program is accepted (opt_remove_nops), so they
 * cost no time.
 */
export function addCheckpoints(blocks: readonly FinalBlock[], { loops }: Loops, target: Target): FinalBlock[] {
  const checked = loops.filter((loop) => needsCheckpoint(loop, blocks));
  return blocks.map((block) => {
    const unlocked = target.isa > 3 ? block.items : block.items.flatMap((item) => [item, ...behindUnlock(item)]);
    const turns = checked.some((loop) => loop.blocks.has(block.origin) && leadsTo(block, loop.header));
    const items = turns ? [...unlocked, ...steps(block.terminator.at)] : unlocked;
    return items === block.items ? block : { ...block, items };
  });
}

/** A round with several ways through it. The steps of an iterator are checkpoints, too, yet not enough (measured). */
function needsCheckpoint({ blocks: body }: Loop, blocks: readonly FinalBlock[]): boolean {
  const inside = blocks.filter((block) => body.has(block.origin));
  const ids = new Set(inside.map(({ id }) => id));
  return inside.some(
    ({ items, terminator }) =>
      items.some(({ link }) => link?.kind === "function") ||
      targetsOf(terminator).filter((to) => ids.has(to)).length > 1,
  );
}

function leadsTo({ terminator }: FinalBlock, header: number): boolean {
  return targetsOf(terminator).includes(header);
}

/**
 * All ways through a lock are alike behind it and never within, for verifiers before Linux 6.3: to them each look-up
 * gives another lock. What they keep within is of no use to later ways, and keeps them from keeping a state behind.
 */
function behindUnlock({ instruction, link, at }: Item): readonly Item[] {
  const { opcode, imm } = build.callHelper(helpers.spinUnlock.id);
  return !link && instruction.opcode === opcode && instruction.imm === imm ? steps(at) : [];
}

function steps(at: Position): readonly Item[] {
  return Array.from({ length: distance }, () => ({ instruction: build.ja(0), at }));
}
