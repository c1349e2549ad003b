import * as build from "../../bytecode/build.ts";
import type { JumpOperation } from "../../bytecode/opcode.ts";
import type { Loops } from "../ir/loops.ts";
import type { FinalBlock, FinalTerminator, Item } from "./final.ts";
import type { LinearCode } from "./linear.ts";
import { isStep, isTinyExit, Traces } from "./traces.ts";

type Branch = Extract<FinalTerminator, { kind: "branch" }>;

const inverse: Readonly<Partial<Record<JumpOperation, JumpOperation>>> = {
  eq: "ne",
  ne: "eq",
  gt: "le",
  le: "gt",
  ge: "lt",
  lt: "ge",
  sgt: "sle",
  sle: "sgt",
  sge: "slt",
  slt: "sge",
};

export function inverseOf(op: JumpOperation): JumpOperation | undefined {
  return inverse[op];
}

/**
 * Puts the blocks in a row: what is expected falls through, and jumps to short ends become the ends themselves.
 *
 * @param readsPacket whether a block of the IR does, by its id
 */
export function lineUp(
  blocks: readonly FinalBlock[],
  { loops }: Loops,
  readsPacket: (block: number) => boolean,
): LinearCode[] {
  const byId = new Map(blocks.map((block) => [block.id, block]));
  const readers = loops.filter((loop) => [...loop.blocks].some(readsPacket));
  const order = new Traces(byId, loops, readsPacket).lineUp(blocks);
  const code: LinearCode[] = [];
  const bodies = new Map(loops.map((loop) => [loop.header, loop.blocks]));
  for (const [index, block] of order.entries()) {
    code.push({ kind: "label", block: block.id });
    for (const item of block.items) code.push({ kind: "item", item });
    const next = order[index + 1]?.id;
    const test = loopTest(block, next, bodies, byId);
    if (test) for (const item of test.items) code.push({ kind: "item", item });
    const terminator = test?.terminator ?? block.terminator;
    if (!leaveFirst(code, { ...block, terminator }, { readers, byId, next }))
      addTerminator(code, terminator, next, byId);
  }
  return dropUnusedLabels(code);
}

/**
 * The verifier follows what falls through before what is jumped to, and passes over what is behind a state of which it
 * knows more than of one that it has followed. Each round of a loop that reads the packet makes it know more of that
 * is there. So the ways past and out of such a loop fall through: what comes from further rounds adds nothing to them.
 */
function leaveFirst(
  code: LinearCode[],
  { terminator, origin }: FinalBlock,
  at: {
    readonly readers: Loops["loops"];
    readonly byId: ReadonlyMap<number, FinalBlock>;
    readonly next: number | undefined;
  },
): boolean {
  if (terminator.kind !== "branch" || terminator.likely) return false;
  const inside = at.readers.findLast((loop) => loop.blocks.has(origin));
  const [then = 0, otherwise = 0] = [terminator.then, terminator.otherwise].map((id) => {
    const side = at.byId.get(id)!;
    if (inside?.blocks.has(side.origin)) return at.readers.length;
    const leadsTo = side.terminator.kind === "jump" ? at.byId.get(side.terminator.to)!.origin : side.origin;
    return at.readers.filter((loop) => loop.blocks.has(side.origin) || loop.blocks.has(leadsTo)).length;
  });
  const opposite = inverse[terminator.op];
  if (then === otherwise || (then < otherwise && !opposite)) return false;
  const { width, left, right, at: position } = terminator;
  const [op, target, first] =
    then > otherwise
      ? [terminator.op, terminator.then, terminator.otherwise]
      : [opposite!, terminator.otherwise, terminator.then];
  code.push({ kind: "jump", op, width, left, right, target, at: position });
  addJump(code, first, at.next, position, at.byId);
  return true;
}

/** A loop's test of at most this many instructions is repeated at the loop's end. */
const shortTest = 4;

/** The block's jump back to a short test at the head of its loop: tested here, each round has one jump less. */
function loopTest(
  { terminator, origin }: FinalBlock,
  next: number | undefined,
  bodies: ReadonlyMap<number, ReadonlySet<number>>,
  byId: ReadonlyMap<number, FinalBlock>,
): FinalBlock | undefined {
  if (terminator.kind !== "jump" || terminator.to === next || !bodies.get(terminator.to)?.has(origin)) return undefined;
  const test = byId.get(terminator.to)!;
  if (test.terminator.kind !== "branch" || test.items.length >= shortTest || isStep(test)) return undefined;
  return test;
}

function addTerminator(
  code: LinearCode[],
  terminator: FinalTerminator,
  next: number | undefined,
  byId: ReadonlyMap<number, FinalBlock>,
): void {
  switch (terminator.kind) {
    case "exit":
      code.push({ kind: "item", item: { instruction: build.exit(), at: terminator.at } });
      return;
    case "jump":
      addJump(code, terminator.to, next, terminator.at, byId);
      return;
    case "mayGoto":
      code.push({ kind: "jump", op: "mayGoto", target: terminator.otherwise, at: terminator.at });
      addJump(code, terminator.then, next, terminator.at, byId);
      return;
    case "branch":
      addBranch(code, terminator, next, byId);
  }
}

function addJump(
  code: LinearCode[],
  to: number,
  next: number | undefined,
  at: number,
  byId: ReadonlyMap<number, FinalBlock>,
): void {
  if (to === next) return;
  const target = byId.get(to)!;
  if (!isTinyExit(target)) {
    code.push({ kind: "jump", op: "always", target: to, at });
    return;
  }
  const end: Item = { instruction: build.exit(), at: target.terminator.at };
  for (const item of [...target.items, end]) code.push({ kind: "item", item });
}

function addBranch(
  code: LinearCode[],
  branch: Branch,
  next: number | undefined,
  byId: ReadonlyMap<number, FinalBlock>,
): void {
  const { width, left, right, then, otherwise, at } = branch;
  const opposite = inverse[branch.op];
  if (then === next && opposite) {
    code.push({ kind: "jump", op: opposite, width, left, right, target: otherwise, at });
    return;
  }
  const endsHere = isTinyExit(byId.get(then)!) && !isTinyExit(byId.get(otherwise)!);
  if (otherwise !== next && endsHere && opposite) {
    code.push({ kind: "jump", op: opposite, width, left, right, target: otherwise, at });
    addJump(code, then, next, at, byId);
    return;
  }
  code.push({ kind: "jump", op: branch.op, width, left, right, target: then, at });
  addJump(code, otherwise, next, at, byId);
}

/** Code that goes may have held the last jump to other code, so it takes as many rounds as there are such links. */
function dropUnusedLabels(code: readonly LinearCode[]): LinearCode[] {
  let kept = dropOnce(code);
  for (let before = code.length; kept.length < before; ) {
    before = kept.length;
    kept = dropOnce(kept);
  }
  return kept;
}

function dropOnce(code: readonly LinearCode[]): LinearCode[] {
  const used = new Set<number>();
  for (const one of code) if (one.kind === "jump") used.add(one.target);
  const kept: LinearCode[] = [];
  let dead = false;
  for (const one of code) {
    if (one.kind === "label") {
      if (used.has(one.block)) dead = false;
      else if (dead) continue;
      kept.push(one);
      continue;
    }
    // A short end that was copied to all of its jumps is not reached any more.
    if (dead) continue;
    kept.push(one);
    dead = isEnd(one);
  }
  return kept;
}

function isEnd(one: LinearCode): boolean {
  if (one.kind === "jump") return one.op === "always";
  return one.kind === "item" && one.item.instruction.opcode === build.exit().opcode;
}
