import { type FinalBlock, mapTargets, targetsOf } from "./final.ts";

/**
 * Jumps to jumps go straight to the end, branches whose sides meet become jumps, equal blocks become one; what is no
 * longer reached goes, as the kernel refuses it. The first block is the entry.
 */
export function tidyBlocks(blocks: readonly FinalBlock[]): FinalBlock[] {
  let current = [...blocks];
  for (let changed = true; changed; ) {
    threadJumps(current);
    const merged = mergeEqual(current);
    changed = merged.length < current.length;
    current = merged;
  }
  return reachable(current);
}

function threadJumps(blocks: readonly FinalBlock[]): void {
  const byId = new Map(blocks.map((block) => [block.id, block]));
  const follow = (id: number): number => {
    const seen = new Set<number>();
    let at = id;
    for (;;) {
      const block = byId.get(at)!;
      if (block.items.length > 0 || block.terminator.kind !== "jump" || seen.has(at)) return at;
      seen.add(at);
      at = block.terminator.to;
    }
  };
  for (const block of blocks) {
    block.terminator = mapTargets(block.terminator, follow);
    const { terminator } = block;
    if (terminator.kind !== "branch" || terminator.then !== terminator.otherwise) continue;
    block.terminator = { kind: "jump", to: terminator.then, at: terminator.at };
  }
}

function mergeEqual(blocks: readonly FinalBlock[]): FinalBlock[] {
  const first = new Map<string, number>();
  const replaced = new Map<number, number>();
  for (const [index, block] of blocks.entries()) {
    const key = contentOf(block);
    const known = first.get(key);
    if (known === undefined) first.set(key, block.id);
    else if (index > 0) replaced.set(block.id, known);
  }
  if (replaced.size === 0) return [...blocks];
  const kept = blocks.filter((block) => !replaced.has(block.id));
  for (const block of kept) block.terminator = mapTargets(block.terminator, (id) => replaced.get(id) ?? id);
  return kept;
}

/** All that a block does, without where in the source it comes from. */
function contentOf(block: FinalBlock): string {
  const parts: string[] = block.items.map(({ instruction: i, link }) => {
    const wide = i.wide === undefined ? "" : `:${i.wide}`;
    return `${i.opcode}.${i.dst}.${i.src}.${i.offset}.${i.imm}${wide}${link ? JSON.stringify(link) : ""}`;
  });
  const { at: _at, ...terminator } = block.terminator;
  return `${parts.join(" ")} ${JSON.stringify(terminator)}`;
}

function reachable(blocks: readonly FinalBlock[]): FinalBlock[] {
  const byId = new Map(blocks.map((block) => [block.id, block]));
  const reached = new Set<number>();
  const work = [blocks[0]!.id];
  for (let id = work.pop(); id !== undefined; id = work.pop()) {
    if (reached.has(id)) continue;
    reached.add(id);
    work.push(...targetsOf(byId.get(id)!.terminator));
  }
  return blocks.filter((block) => reached.has(block.id));
}
