import type { CompareOp } from "../ir/ir.ts";
import { foldCompare } from "../passes/fold.ts";
import type { AllocatedBlock, AllocatedFunction } from "./allocated.ts";
import { cleanMoves } from "./clean-moves.ts";
import type { MachineInstruction, MachineTerminator, Register } from "./machine.ts";

/** A loop that never ends is followed no farther than this. */
const mostSteps = 16;

type Branch = Extract<MachineTerminator, { kind: "branch" }>;

/**
 * Ways that reach a branch with a constant in the register that it tests go straight to where it leads them. In SSA
 * form this would take new block parameters for all that lives on; once registers are chosen it takes none.
 */
export function threadKnownBranches(fn: AllocatedFunction): void {
  const byId: AllocatedBlock[] = [];
  for (const block of fn.blocks) byId[block.id] = block;
  let changed = false;
  for (const block of fn.blocks) {
    for (let step = 0; step < mostSteps; step++) {
      const next = knownTarget(block, byId);
      if (next === undefined) break;
      const { at } = block.terminator;
      block.terminator = { kind: "jump", to: { block: next, args: [] }, at };
      changed = true;
    }
  }
  if (changed) cleanMoves(fn);
}

/** Where the block's jump ends up behind a branch that it decides. */
function knownTarget(block: AllocatedBlock, byId: readonly AllocatedBlock[]): number | undefined {
  if (block.terminator.kind !== "jump") return undefined;
  const target = byId[block.terminator.to.block]!;
  const branch = target.terminator;
  if (target === block || target.code.length > 0 || branch.kind !== "branch") return undefined;
  if (branch.right.kind !== "constant") return undefined;
  const known = constantIn(block, branch.left);
  if (known === undefined) return undefined;
  const taken = decides(branch, known, BigInt(branch.right.value));
  return (taken ? branch.then : branch.otherwise).block;
}

/** The constant that the register holds at the block's end, if the block puts one there. */
function constantIn(block: AllocatedBlock, register: Register): bigint | undefined {
  for (let index = block.code.length - 1; index >= 0; index--) {
    const one = block.code[index]!;
    if (one.kind === "operation") {
      if (mayWrite(one.physical, register)) return undefined;
    } else if (one.kind === "move" && one.to.kind === "register" && one.to.register === register) {
      return one.from.kind === "immediate" ? one.from.value : undefined;
    }
  }
  return undefined;
}

function mayWrite(i: MachineInstruction, register: Register): boolean {
  switch (i.kind) {
    case "store":
      return false;
    case "call":
      return register <= 5;
    case "atomic":
      return register === i.value || register === 0;
    default:
      return i.result === register;
  }
}

const comparisons: Readonly<Record<Branch["op"], CompareOp>> = {
  eq: "eq",
  ne: "ne",
  lt: "ult",
  le: "ule",
  gt: "ugt",
  ge: "uge",
  slt: "slt",
  sle: "sle",
  sgt: "sgt",
  sge: "sge",
  set: "test",
};

function decides(branch: Branch, left: bigint, right: bigint): boolean {
  return foldCompare(comparisons[branch.op], branch.width, left, BigInt.asUintN(64, right));
}
