import { graphOf } from "../ir/graph.ts";
import type { Block, IrFunction } from "../ir/ir.ts";
import { mapEdges } from "../ir/operands.ts";

/** Blocks that do nothing but return the same constant become one: edges that end alike are then seen to be alike. */
export function mergeExits(fn: IrFunction): boolean {
  const first = new Map<bigint, number>();
  const merged = new Map<number, number>();
  for (const block of fn.blocks.slice(1)) {
    const verdict = returnedConstant(block);
    if (verdict === undefined) continue;
    const known = first.get(verdict);
    if (known === undefined) first.set(verdict, block.id);
    else merged.set(block.id, known);
  }
  if (merged.size === 0) return false;
  for (const block of fn.blocks) {
    block.terminator = mapEdges(block.terminator, (edge) => {
      const target = merged.get(edge.block);
      return target === undefined ? edge : { block: target, args: [] };
    });
  }
  fn.blocks = [...graphOf(fn).order];
  return true;
}

function returnedConstant(block: Block): bigint | undefined {
  const [only, ...rest] = block.instructions;
  if (block.parameters.length > 0 || rest.length > 0 || only?.kind !== "const") return undefined;
  return block.terminator.kind === "return" && block.terminator.value === only.result ? only.value : undefined;
}
