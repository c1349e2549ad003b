import type { Graph } from "../ir/graph.ts";
import type { Block, Terminator } from "../ir/ir.ts";
import { edgesOf } from "../ir/operands.ts";

export interface BlockOrder {
  /** Block ids; each behind its dominators, loops in one piece, the expected side of a branch right behind it. */
  readonly order: readonly number[];
  /** How often a block runs for one run of the entry, as guessed from the branches; by block id. */
  readonly frequency: Float64Array;
}

/** How much more often the expected side of a branch is taken than the other is guessed to be. */
const likelyShare = 0.95;
/** How many rounds a loop is guessed to make. */
const rounds = 8;

export function orderBlocks(graph: Graph, depth: Int32Array): BlockOrder {
  return { order: depthFirst(graph, depth), frequency: frequencies(graph, depth) };
}

/** Reverse postorder in which the successor that is visited last comes first. */
function depthFirst(graph: Graph, depth: Int32Array): number[] {
  const seen = new Set<number>();
  const post: number[] = [];
  const stack: { id: number; next: number[] }[] = [];
  const push = (block: Block): void => {
    seen.add(block.id);
    stack.push({ id: block.id, next: preferredLast(graph, block, depth) });
  };
  const entry = graph.order[0];
  if (entry) push(entry);
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const id = top.next.shift();
    if (id === undefined) {
      post.push(top.id);
      stack.pop();
    } else if (!seen.has(id)) {
      push(graph.blocks[id]!);
    }
  }
  return post.reverse();
}

function preferredLast(graph: Graph, block: Block, depth: Int32Array): number[] {
  const { terminator } = block;
  const successors = edgesOf(terminator).map((edge) => edge.block);
  const [first, second] = successors;
  if (first === undefined || second === undefined) return successors;
  return prefersSecond(graph, terminator, depth, first, second) ? [first, second] : [second, first];
}

/** Which side goes right behind the branch: the inner loop, the likely side, the one that goes on. */
function prefersSecond(
  graph: Graph,
  terminator: Terminator,
  depth: Int32Array,
  first: number,
  second: number,
): boolean {
  if (depth[first] !== depth[second]) return depth[second]! > depth[first]!;
  if (terminator.kind === "branch" && terminator.likely) return terminator.likely === "otherwise";
  const firstEnds = graph.blocks[first]!.terminator.kind === "return";
  const secondEnds = graph.blocks[second]!.terminator.kind === "return";
  return firstEnds && !secondEnds;
}

function frequencies(graph: Graph, depth: Int32Array): Float64Array {
  const frequency = new Float64Array(graph.fn.blockCount);
  const entry = graph.order[0];
  if (entry) frequency[entry.id] = 1;
  for (const block of graph.order) {
    const own = frequency[block.id]!;
    const edges = edgesOf(block.terminator);
    for (const [index, { block: to }] of edges.entries()) {
      if (graph.position[to]! <= graph.position[block.id]!) continue;
      const entered = depth[to]! > depth[block.id]! ? rounds : 1;
      const left = depth[to]! < depth[block.id]! ? 1 / rounds : 1;
      frequency[to]! += own * share(block.terminator, index, edges.length) * entered * left;
    }
  }
  return frequency;
}

function share(terminator: Terminator, index: number, count: number): number {
  if (terminator.kind !== "branch" || !terminator.likely) return 1 / count;
  return (terminator.likely === "then") === (index === 0) ? likelyShare : 1 - likelyShare;
}
