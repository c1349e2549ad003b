import type { Graph } from "./graph.ts";

export interface Dominators {
  /** Immediate dominator by block id; the entry's is itself, -1 for blocks that nothing reaches. */
  readonly immediate: Int32Array;
  /** Children in the dominator tree by block id, in reverse postorder. */
  readonly children: readonly (readonly number[])[];
  /** Whether every way to block `b` goes through block `a` (ids); a block dominates itself. */
  dominates(a: number, b: number): boolean;
}

const known = new WeakMap<Graph, Dominators>();

export function dominatorsOf(graph: Graph): Dominators {
  let dominators = known.get(graph);
  if (!dominators) known.set(graph, (dominators = treeOf(graph, immediateDominators(graph))));
  return dominators;
}

/** Cooper, Harvey and Kennedy, "A Simple, Fast Dominance Algorithm". */
function immediateDominators(graph: Graph): Int32Array {
  const immediate = new Int32Array(graph.fn.blockCount).fill(-1);
  const [entry, ...rest] = graph.order;
  if (entry) {
    immediate[entry.id] = entry.id;
    for (let changed = true; changed; ) {
      changed = false;
      for (const block of rest) {
        const found = meet(graph, immediate, graph.predecessors[block.id]!);
        if (immediate[block.id] === found) continue;
        immediate[block.id] = found;
        changed = true;
      }
    }
  }
  return immediate;
}

function meet(graph: Graph, immediate: Int32Array, predecessors: readonly number[]): number {
  const { position } = graph;
  let result = -1;
  for (const predecessor of predecessors) {
    if (immediate[predecessor] === -1) continue;
    if (result === -1) {
      result = predecessor;
      continue;
    }
    let other = predecessor;
    while (result !== other) {
      while (position[result]! > position[other]!) result = immediate[result]!;
      while (position[other]! > position[result]!) other = immediate[other]!;
    }
  }
  return result;
}

/** Of the blocks that nothing reaches. */
const none: number[] = [];

function treeOf(graph: Graph, immediate: Int32Array): Dominators {
  const children: number[][] = new Array(graph.fn.blockCount).fill(none);
  for (const { id } of graph.order) children[id] = [];
  for (const { id } of graph.order.slice(1)) children[immediate[id]!]!.push(id);
  const enter = new Int32Array(graph.fn.blockCount).fill(-1);
  const leave = new Int32Array(graph.fn.blockCount).fill(-1);
  const entry = graph.order[0];
  let clock = 0;
  const stack: { id: number; next: number }[] = [];
  const push = (id: number): void => {
    enter[id] = clock++;
    stack.push({ id, next: 0 });
  };
  if (entry) push(entry.id);
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const child = children[top.id]![top.next++];
    if (child !== undefined) {
      push(child);
      continue;
    }
    leave[top.id] = clock++;
    stack.pop();
  }
  return {
    immediate,
    children,
    dominates: (a, b) => enter[a]! >= 0 && enter[a]! <= enter[b]! && leave[b]! <= leave[a]!,
  };
}
