import { type Graph, graphOf } from "../ir/graph.ts";
import type { Block, Edge, IrFunction, Terminator, Value } from "../ir/ir.ts";
import { boundsCheck, type Check } from "./correlate.ts";
import { isRemovable } from "./dead-code.ts";
import { type Definitions, definitionsOf } from "./definitions.ts";

type Branch = Extract<Terminator, { kind: "branch" }>;

/**
 * One bounds check in place of several: when everything between a check and a farther one of the same base only
 * computes, and leaves to the same place as a failing check does, then a packet too short for the farther one ends
 * there in any case, and the first check may ask for all of it.
 */
export function widenChecks(fn: IrFunction): boolean {
  const graph = graphOf(fn);
  const definitions = definitionsOf(fn);
  let changed = false;
  for (const block of fn.blocks) {
    const { terminator } = block;
    const check = terminator.kind === "branch" ? boundsCheck(definitions, terminator) : undefined;
    if (terminator.kind !== "branch" || !check) continue;
    const size = farthest(graph, definitions, terminator, check);
    if (size <= check.size) continue;
    widen(fn, block, terminator, check.base, size);
    changed = true;
  }
  return changed;
}

/** Follows the passing side as long as it has one way on besides the exit. */
function farthest(graph: Graph, definitions: Definitions, first: Branch, check: Check): bigint {
  let size = check.size;
  let next: Edge | undefined = first.then;
  const exit = first.otherwise;
  while (next) {
    const block: Block = graph.blocks[next.block]!;
    if (graph.predecessors[block.id]!.length !== 1 || !block.instructions.every(isRemovable)) break;
    const { terminator }: Block = block;
    if (terminator.kind === "jump") {
      next = terminator.to;
      continue;
    }
    if (terminator.kind !== "branch") break;
    const further = boundsCheck(definitions, terminator);
    if (further && further.base === check.base && further.end === check.end && sameEdge(terminator.otherwise, exit)) {
      if (further.size > size) size = further.size;
    }
    next = otherWay(terminator, exit);
  }
  return size;
}

/** The side of a branch that is not the exit, if the other one is. */
function otherWay(branch: Branch, exit: Edge): Edge | undefined {
  if (sameEdge(branch.otherwise, exit)) return branch.then;
  return sameEdge(branch.then, exit) ? branch.otherwise : undefined;
}

function sameEdge(a: Edge, b: Edge): boolean {
  return a.block === b.block && a.args.every((value, index) => value === b.args[index]);
}

function widen(fn: IrFunction, block: Block, branch: Branch, base: Value, size: bigint): void {
  const [index, result] = [fn.valueCount++, fn.valueCount++];
  block.instructions.push(
    { kind: "const", result: index, value: size, at: branch.at },
    { kind: "address", result, base, index, at: branch.at },
  );
  block.terminator = { ...branch, left: result };
}
