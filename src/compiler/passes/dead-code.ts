import { graphOf } from "../ir/graph.ts";
import { helperRow } from "../ir/helpers.ts";
import type { Instruction, IrFunction, Value } from "../ir/ir.ts";
import { blocksById, edgesOf, operandsOf, resultOf, terminatorOperands } from "../ir/operands.ts";
import { dropParameters } from "./simplify.ts";

/** Whether the instruction matters only for its result. */
export function isRemovable(instruction: Instruction): boolean {
  switch (instruction.kind) {
    case "store":
    case "atomic":
    case "callKfunc":
    case "callFunction":
      return false;
    case "callHelper":
      return helperRow(instruction.helper).pure === true;
    default:
      return true;
  }
}

/** Removes what nobody uses: instructions without effect, parameters of blocks, blocks that nothing reaches. */
export function removeDeadCode(fn: IrFunction): boolean {
  const blocks = fn.blocks.length;
  fn.blocks = [...graphOf(fn).order];
  let changed = fn.blocks.length !== blocks;
  const live = liveValues(fn);
  for (const block of fn.blocks) {
    const kept = block.instructions.filter((instruction) => {
      const result = resultOf(instruction);
      return !isRemovable(instruction) || (result !== undefined && live.has(result));
    });
    changed ||= kept.length !== block.instructions.length;
    block.instructions = kept;
  }
  for (const block of fn.blocks.slice(1)) {
    const dead = block.parameters.flatMap((parameter, index) => (live.has(parameter) ? [] : [index]));
    if (dead.length === 0) continue;
    changed = true;
    dropParameters(fn, block.id, new Set(dead));
  }
  return changed;
}

/** From effects and terminators backwards; an argument of an edge is live only if the parameter is. */
function liveValues(fn: IrFunction): ReadonlySet<Value> {
  const live = new Set<Value>();
  const work: Value[] = [];
  const use = (value: Value): void => {
    if (live.has(value)) return;
    live.add(value);
    work.push(value);
  };
  const sources = sourcesOf(fn);
  for (const block of fn.blocks) {
    for (const instruction of block.instructions) {
      if (!isRemovable(instruction)) operandsOf(instruction).forEach(use);
    }
    terminatorOperands(block.terminator).forEach(use);
  }
  for (let value = work.pop(); value !== undefined; value = work.pop()) sources.get(value)?.forEach(use);
  return live;
}

/** What each value is made of: operands of its instruction, or arguments of the edges to its block. */
function sourcesOf(fn: IrFunction): ReadonlyMap<Value, readonly Value[]> {
  const sources = new Map<Value, Value[]>();
  const blocks = blocksById(fn);
  for (const block of fn.blocks) {
    for (const instruction of block.instructions) {
      const result = resultOf(instruction);
      if (result !== undefined) sources.set(result, [...operandsOf(instruction)]);
    }
    for (const edge of edgesOf(block.terminator)) {
      for (const [index, parameter] of blocks[edge.block]!.parameters.entries()) {
        const known = sources.get(parameter);
        if (known) known.push(edge.args[index]!);
        else sources.set(parameter, [edge.args[index]!]);
      }
    }
  }
  return sources;
}
