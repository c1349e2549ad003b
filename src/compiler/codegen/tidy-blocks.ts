import { type FinalBlock, type FinalTerminator, mapTargets, targetsOf } from "./final.ts";

/**
 * Jumps to jumps go straight to the end, branches whose sides meet become jumps, equal blocks become one; what is no
 * longer reached goes, as the kernel refuses it. The first block is the entry.
 */
export function tidyBlocks(blocks: readonly FinalBlock[]): FinalBlock[] {
  const equal = new EqualBlocks(blocks);
  let current = [...blocks];
  for (let changed = true; changed; ) {
    threadJumps(current);
    const merged = equal.merge(current);
    changed = merged.length < current.length;
    current = merged;
  }
  return reachable(current);
}

function threadJumps(blocks: readonly FinalBlock[]): void {
  const byId = blocksById(blocks);
  const follow = (id: number): number => {
    let at = id;
    // A circle of jumps is left after as many steps as there are blocks.
    for (let steps = 0; steps < blocks.length; steps++) {
      const block = byId[at]!;
      if (block.items.length > 0 || block.terminator.kind !== "jump") break;
      at = block.terminator.to;
    }
    return at;
  };
  for (const block of blocks) {
    block.terminator = mapTargets(block.terminator, follow);
    const { terminator } = block;
    if (terminator.kind !== "branch" || terminator.then !== terminator.otherwise) continue;
    block.terminator = { kind: "jump", to: terminator.then, at: terminator.at };
  }
}

function blocksById(blocks: readonly FinalBlock[]): readonly FinalBlock[] {
  const byId: FinalBlock[] = [];
  for (const block of blocks) byId[block.id] = block;
  return byId;
}

/** Longer blocks are hardly ever equal; shared ends and the moves of edges are short. */
const longestMerged = 8;

/** Finds blocks that do the same, wherever in the source they come from. */
class EqualBlocks {
  /** The instructions of blocks that may be equal, as text: these do not change, only where the block leads to. */
  readonly #texts: ReadonlyMap<number, string>;

  constructor(blocks: readonly FinalBlock[]) {
    const bySum = new Map<number, FinalBlock[]>();
    for (const block of blocks.slice(1)) {
      if (block.items.length > longestMerged) continue;
      const sum = sumOf(block);
      const others = bySum.get(sum);
      if (others) others.push(block);
      else bySum.set(sum, [block]);
    }
    const alike = [...bySum.values()].filter((group) => group.length > 1).flat();
    this.#texts = new Map(alike.map((block) => [block.id, textOf(block)]));
  }

  merge(blocks: readonly FinalBlock[]): FinalBlock[] {
    const first = new Map<string, number>();
    const replaced = new Map<number, number>();
    // From the ends of the function backwards: what blocks lead to has been merged when their turn comes.
    for (const block of [...blocks].reverse()) {
      block.terminator = mapTargets(block.terminator, (id) => replaced.get(id) ?? id);
      const text = this.#texts.get(block.id);
      if (text === undefined) continue;
      const key = text + leavesTo(block.terminator);
      const known = first.get(key);
      if (known === undefined) first.set(key, block.id);
      else replaced.set(block.id, known);
    }
    if (replaced.size === 0) return [...blocks];
    const kept = blocks.filter((block) => !replaced.has(block.id));
    for (const block of kept) block.terminator = mapTargets(block.terminator, (id) => replaced.get(id) ?? id);
    return kept;
  }
}

/** Blocks with equal instructions have equal sums. A cheap look before their texts are made. */
function sumOf({ items }: FinalBlock): number {
  let sum = items.length;
  for (const { instruction: i } of items) {
    sum = (Math.imul(sum, 31) + i.opcode + (i.dst << 8) + (i.src << 12) + (i.offset << 16)) | 0;
    sum = (Math.imul(sum, 31) + i.imm) | 0;
  }
  return sum;
}

function textOf(block: FinalBlock): string {
  let text = "";
  for (const { instruction: i, link } of block.items) {
    text += `${i.opcode}.${i.dst}.${i.src}.${i.offset}.${i.wide ?? i.imm}${link ? JSON.stringify(link) : ""} `;
  }
  return text;
}

function leavesTo(t: FinalTerminator): string {
  switch (t.kind) {
    case "exit":
      return "exit";
    case "jump":
      return `jump ${t.to}`;
    case "mayGoto":
      return `maygoto ${t.then} ${t.otherwise}`;
    case "branch":
      return `${t.op}${t.width} ${t.left} ${t.right.kind} ${t.right.value} ${t.then} ${t.otherwise}`;
  }
}

function reachable(blocks: readonly FinalBlock[]): FinalBlock[] {
  const byId = blocksById(blocks);
  const reached = new Uint8Array(byId.length);
  const work = [blocks[0]!.id];
  for (let id = work.pop(); id !== undefined; id = work.pop()) {
    if (reached[id] === 1) continue;
    reached[id] = 1;
    work.push(...targetsOf(byId[id]!.terminator));
  }
  return blocks.filter(({ id }) => reached[id] === 1);
}
