import type { Block, Edge, IrFunction } from "./ir.ts";
import { blocksById, edgesOf } from "./operands.ts";

/** The control flow of a function; valid until a pass changes an edge. Only blocks that the entry reaches are in it. */
export interface Graph {
  readonly fn: IrFunction;
  readonly blocks: readonly (Block | undefined)[];
  /** Reverse postorder: a block comes behind its dominators, and before its successors but for loop edges. */
  readonly order: readonly Block[];
  /** Place of a block in `order` by block id; -1 for blocks that nothing reaches. */
  readonly position: Int32Array;
  /** By block id, once for each edge, in the order of `order`. */
  readonly predecessors: readonly (readonly number[])[];
}

export function graphOf(fn: IrFunction): Graph {
  const blocks = blocksById(fn);
  const order = reversePostorder(fn, blocks);
  const position = new Int32Array(fn.blockCount).fill(-1);
  const predecessors: number[][] = Array.from({ length: fn.blockCount }, () => []);
  for (const [index, block] of order.entries()) {
    position[block.id] = index;
    for (const edge of edgesOf(block.terminator)) predecessors[edge.block]!.push(block.id);
  }
  return { fn, blocks, order, position, predecessors };
}

function reversePostorder(fn: IrFunction, blocks: readonly (Block | undefined)[]): Block[] {
  const seen = new Uint8Array(fn.blockCount);
  const post: Block[] = [];
  const entry = fn.blocks[0];
  if (!entry) return post;
  const stack: { block: Block; edges: readonly Edge[]; next: number }[] = [];
  const push = (block: Block): void => {
    seen[block.id] = 1;
    const edges = edgesOf(block.terminator);
    stack.push({ block, edges, next: edges.length });
  };
  push(entry);
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    // Edges from last to first: in reverse postorder the `then` side comes right behind its branch.
    const edge = top.edges[--top.next];
    if (!edge) {
      post.push(top.block);
      stack.pop();
      continue;
    }
    const block = blocks[edge.block];
    if (!block) throw new Error(`${fn.name}: an edge leads to block ${edge.block}, which does not exist`);
    if (seen[block.id] === 0) push(block);
  }
  return post.reverse();
}

/**
 * The function's blocks that are reached, in reverse postorder. Drops the others, as the kernel refuses unreachable
 * code (check_cfg, kernel/bpf/cfg.c), and gives the graph of what stays.
 */
export function dropUnreachable(fn: IrFunction): Graph {
  const graph = graphOf(fn);
  fn.blocks = [...graph.order];
  return graph;
}
