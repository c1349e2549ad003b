import * as build from "../../bytecode/build.ts";
import type { JumpOperation } from "../../bytecode/opcode.ts";
import type { Loops } from "../ir/loops.ts";
import { type FinalBlock, type FinalTerminator, type Item, targetsOf } from "./final.ts";
import type { LinearCode } from "./linear.ts";
import { ShortestWays } from "./shortest-ways.ts";

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

/** A block that ends the function in at most this many instructions is copied to where a jump to it would stand. */
const tinyExit = 2;

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
  const order = traces(blocks, byId, new ShortestWays(byId, readsPacket));
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

/** Follows from each block not yet placed the side that is expected, as far as it goes. */
function traces(
  blocks: readonly FinalBlock[],
  byId: ReadonlyMap<number, FinalBlock>,
  ways: ShortestWays,
): FinalBlock[] {
  const placed = new Set<number>();
  const order: FinalBlock[] = [];
  const rank = new Map(blocks.map((block, index) => [block.id, index]));
  for (const start of blocks) {
    for (let block: FinalBlock | undefined = start; block && !placed.has(block.id); ) {
      placed.add(block.id);
      order.push(block);
      block = nextInTrace(block, placed, byId, rank, ways);
    }
  }
  return order;
}

function nextInTrace(
  { terminator }: FinalBlock,
  placed: ReadonlySet<number>,
  byId: ReadonlyMap<number, FinalBlock>,
  rank: ReadonlyMap<number, number>,
  ways: ShortestWays,
): FinalBlock | undefined {
  const open = targetsOf(terminator).filter((id) => !placed.has(id));
  if (terminator.kind === "jump" && isTinyExit(byId.get(terminator.to)!)) return undefined;
  if (open.length < 2 || terminator.kind === "jump" || terminator.kind === "exit") return byId.get(open[0] ?? -1);
  if (terminator.kind === "branch" && terminator.likely) return byId.get(terminator[terminator.likely]);
  const { then, otherwise } = terminator;
  const [thenEnds, otherwiseEnds] = [isTinyExit(byId.get(then)!), isTinyExit(byId.get(otherwise)!)];
  if (thenEnds !== otherwiseEnds) return byId.get(thenEnds ? otherwise : then);
  // The verifier has to follow the one that knows less first (see `leaveFirst`).
  const first = ways.shorter(then, otherwise);
  if (first !== undefined) return byId.get(first);
  // Blocks made for an edge come last in rank: they only lead to another block.
  return byId.get(rank.get(then)! <= rank.get(otherwise)! ? then : otherwise);
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
  return test.terminator.kind === "branch" && test.items.length < shortTest ? test : undefined;
}

function isTinyExit(block: FinalBlock): boolean {
  return block.terminator.kind === "exit" && block.items.length < tinyExit;
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
