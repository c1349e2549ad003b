import type { Dominators } from "./dominators.ts";
import type { Graph } from "./graph.ts";

/** A natural loop: the blocks from which a back edge to the header is reached without passing the header. */
export interface Loop {
  readonly header: number;
  /** Ids of its blocks, the header and those of inner loops among them. */
  readonly blocks: ReadonlySet<number>;
  /** Blocks with an edge back to the header. */
  readonly latches: readonly number[];
}

export interface Loops {
  /** Outer loops before the loops inside of them. */
  readonly loops: readonly Loop[];
  /** How many loops a block is in, by block id. */
  readonly depth: Int32Array;
}

/** Loops of irreducible control flow have no header that dominates them and are not among these. */
export function loopsOf(graph: Graph, dominators: Dominators): Loops {
  const depth = new Int32Array(graph.fn.blockCount);
  const loops: Loop[] = [];
  for (const { id: header } of graph.order) {
    const latches = graph.predecessors[header]!.filter((from) => dominators.dominates(header, from));
    if (latches.length === 0) continue;
    const blocks = bodyOf(graph, header, latches);
    for (const id of blocks) depth[id]!++;
    loops.push({ header, blocks, latches });
  }
  return { loops, depth };
}

function bodyOf(graph: Graph, header: number, latches: readonly number[]): ReadonlySet<number> {
  const blocks = new Set<number>([header]);
  const work = [...latches];
  for (let id = work.pop(); id !== undefined; id = work.pop()) {
    if (blocks.has(id)) continue;
    blocks.add(id);
    work.push(...graph.predecessors[id]!);
  }
  return blocks;
}
