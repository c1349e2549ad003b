import type { Block, IrFunction, Terminator } from "./ir.ts";
import { blocksById } from "./operands.ts";

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

/** The last graph of each function: most passes find the edges as the one before left them. */
const latest = new WeakMap<IrFunction, { readonly graph: Graph; readonly successors: Int32Array }>();

/** The control flow as it is now. */
export function graphOf(fn: IrFunction): Graph {
  const known = latest.get(fn);
  if (known && isCurrent(known.graph, known.successors)) return known.graph;
  const blocks = blocksById(fn);
  const order = reversePostorder(fn, blocks);
  const position = new Int32Array(fn.blockCount).fill(-1);
  const successors = new Int32Array(2 * order.length);
  for (let index = 0; index < order.length; index++) {
    const { id, terminator } = order[index]!;
    position[id] = index;
    successors[2 * index] = successor(terminator, 0);
    successors[2 * index + 1] = successor(terminator, 1);
  }
  const graph: Graph = { fn, blocks, order, position, predecessors: predecessorsOf(fn, order, successors) };
  latest.set(fn, { graph, successors });
  return graph;
}

/** Of the blocks that nothing reaches. */
const none: number[] = [];

/** Counts first: arrays that grow by pushing are several times as large as what most blocks need. */
function predecessorsOf(fn: IrFunction, order: readonly Block[], successors: Int32Array): number[][] {
  const left = new Int32Array(fn.blockCount);
  for (const to of successors) if (to >= 0) left[to]!++;
  const predecessors: number[][] = new Array(fn.blockCount).fill(none);
  for (const { id } of order) predecessors[id] = new Array(left[id]!);
  for (let edge = 0; edge < successors.length; edge++) {
    const to = successors[edge]!;
    if (to < 0) continue;
    const list = predecessors[to]!;
    list[list.length - left[to]!--] = order[edge >> 1]!.id;
  }
  return predecessors;
}

/** Whether the function still has the graph's blocks and edges. */
function isCurrent({ fn, blocks, order, position }: Graph, successors: Int32Array): boolean {
  if (fn.blockCount !== blocks.length || fn.blocks[0] !== order[0]) return false;
  let reached = 0;
  for (const block of fn.blocks) {
    if (blocks[block.id] !== block) return false;
    const index = position[block.id]!;
    if (index < 0) continue;
    reached++;
    const { terminator } = block;
    if (successors[2 * index] !== successor(terminator, 0) || successors[2 * index + 1] !== successor(terminator, 1))
      return false;
  }
  return reached === order.length;
}

/** The block that an edge leads to, the taken one being side 0; -1 where there is no such edge. */
function successor(terminator: Terminator, side: number): number {
  switch (terminator.kind) {
    case "jump":
      return side === 0 ? terminator.to.block : -1;
    case "branch":
    case "mayGoto":
      return side === 0 ? terminator.then.block : terminator.otherwise.block;
    case "return":
      return -1;
  }
}

function reversePostorder(fn: IrFunction, blocks: readonly (Block | undefined)[]): Block[] {
  const seen = new Uint8Array(fn.blockCount);
  const post: Block[] = [];
  const entry = fn.blocks[0];
  if (!entry) return post;
  const stack: Block[] = [entry];
  /** By block id: how many of its edges, from the last to the first, are still to be followed. */
  const left = new Uint8Array(fn.blockCount).fill(2);
  seen[entry.id] = 1;
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    if (left[top.id] === 0) {
      post.push(top);
      stack.pop();
      continue;
    }
    // Edges from last to first: in reverse postorder the `then` side comes right behind its branch.
    const to = successor(top.terminator, --left[top.id]!);
    if (to < 0) continue;
    const block = blocks[to];
    if (!block) throw new Error(`${fn.name}: an edge leads to block ${to}, which does not exist`);
    if (seen[to] === 1) continue;
    seen[to] = 1;
    stack.push(block);
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
