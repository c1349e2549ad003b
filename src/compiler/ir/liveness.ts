import type { Graph } from "./graph.ts";
import type { Value } from "./ir.ts";
import { edgesOf, operandsOf, resultOf, terminatorOperands } from "./operands.ts";

export interface Liveness {
  /** Values that are live at the start of a block, by block id; its parameters are not among them. */
  readonly liveIn: readonly ReadonlySet<Value>[];
  /** Values that are live at the end of a block, by block id: arguments of its edges are not, unless used later. */
  readonly liveOut: readonly ReadonlySet<Value>[];
}

/**
 * From each use up to the definition (Boissinot et al., "Computing Liveness Sets for SSA-Form Programs"): the work is
 * as much as there is to report.
 */
export function livenessOf(graph: Graph): Liveness {
  return liveSets(graph, definingBlocks(graph), (use) => {
    for (const block of graph.order) {
      for (const instruction of block.instructions) {
        for (const value of operandsOf(instruction)) use(value, block.id);
      }
      for (const value of terminatorOperands(block.terminator)) use(value, block.id);
      for (const edge of edgesOf(block.terminator)) {
        for (const value of edge.args) use(value, block.id);
      }
    }
  });
}

/**
 * Live sets of any code over the blocks of the graph: `home` is the block that defines each value, `forEachUse` reports
 * each use with its block.
 */
export function liveSets(
  graph: Graph,
  home: Int32Array,
  forEachUse: (use: (value: Value, block: number) => void) => void,
): Liveness {
  const liveIn = emptySets(graph);
  const liveOut = emptySets(graph);
  const work: number[] = [];
  forEachUse((value, block) => {
    if (home[value] === block || !add(liveIn, block, value)) return;
    work.push(block);
    for (let at = work.pop(); at !== undefined; at = work.pop()) {
      for (const from of graph.predecessors[at]!) {
        add(liveOut, from, value);
        if (home[value] !== from && add(liveIn, from, value)) work.push(from);
      }
    }
  });
  return { liveIn, liveOut };
}

/** Of most blocks nothing is live at one of the ends: they share one set, until a value comes. */
const nothing: Set<Value> = new Set();

function emptySets({ fn }: Graph): Set<Value>[] {
  return new Array(fn.blockCount).fill(nothing);
}

/** Gives whether the value was not there. */
function add(sets: Set<Value>[], block: number, value: Value): boolean {
  const set = sets[block]!;
  if (set.has(value)) return false;
  if (set === nothing) sets[block] = new Set([value]);
  else set.add(value);
  return true;
}

/** The block in which each value is defined, by value; -1 for unused numbers. */
export function definingBlocks(graph: Graph): Int32Array {
  const home = new Int32Array(graph.fn.valueCount).fill(-1);
  const [entry] = graph.order;
  for (const value of graph.fn.parameters) home[value] = entry?.id ?? -1;
  for (const block of graph.order) {
    for (const value of block.parameters) home[value] = block.id;
    for (const instruction of block.instructions) {
      const result = resultOf(instruction);
      if (result !== undefined) home[result] = block.id;
    }
  }
  return home;
}
