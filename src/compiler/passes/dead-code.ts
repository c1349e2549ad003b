import { graphOf } from "../ir/graph.ts";
import { helperRow } from "../ir/helpers.ts";
import type { Instruction, IrFunction, Value } from "../ir/ir.ts";
import { blocksById, edgesOf, forEachOperand, resultOf, terminatorOperands } from "../ir/operands.ts";
import { definitionsOf } from "./definitions.ts";
import { dropParameters } from "./simplify.ts";

/** Whether the instruction matters only for its result. */
export function isRemovable(instruction: Instruction): boolean {
  switch (instruction.kind) {
    case "store":
    case "atomic":
    case "callKfunc":
    case "callFunction":
      return false;
    case "unary":
      return instruction.op !== "remember";
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
  const isDead = (instruction: Instruction): boolean => {
    const result = resultOf(instruction);
    return isRemovable(instruction) && (result === undefined || live[result] !== 1);
  };
  for (const block of fn.blocks) {
    if (!block.instructions.some(isDead)) continue;
    block.instructions = block.instructions.filter((instruction) => !isDead(instruction));
    changed = true;
  }
  for (const block of fn.blocks.slice(1)) {
    if (block.parameters.length === 0) continue;
    const dead = block.parameters.flatMap((parameter, index) => (live[parameter] === 1 ? [] : [index]));
    if (dead.length === 0) continue;
    changed = true;
    dropParameters(fn, block.id, dead);
  }
  return changed;
}

/** By value: 1 where it is live. An argument of an edge is so only if the parameter is. */
function liveValues(fn: IrFunction): Uint8Array {
  const live = new Uint8Array(fn.valueCount);
  const work: Value[] = [];
  const use = (value: Value): void => {
    if (live[value] === 1) return;
    live[value] = 1;
    work.push(value);
  };
  // From effects and terminators backwards.
  for (const block of fn.blocks) {
    for (const instruction of block.instructions) {
      if (!isRemovable(instruction)) forEachOperand(instruction, use);
    }
    for (const value of terminatorOperands(block.terminator)) use(value);
  }
  const definitions = definitionsOf(fn);
  const incoming = argumentsByParameter(fn);
  for (let value = work.pop(); value !== undefined; value = work.pop()) {
    const definition = definitions[value];
    if (definition) forEachOperand(definition, use);
    else incoming[value]?.forEach(use);
  }
  return live;
}

/** What the edges to its block pass to each parameter, by parameter. */
function argumentsByParameter(fn: IrFunction): readonly (readonly Value[] | undefined)[] {
  const incoming: (Value[] | undefined)[] = new Array(fn.valueCount).fill(undefined);
  const blocks = blocksById(fn);
  for (const block of fn.blocks) {
    for (const { block: to, args } of edgesOf(block.terminator)) {
      if (args.length === 0) continue;
      const { parameters } = blocks[to]!;
      for (let index = 0; index < parameters.length; index++) {
        const parameter = parameters[index]!;
        const known = incoming[parameter];
        if (known) known.push(args[index]!);
        else incoming[parameter] = [args[index]!];
      }
    }
  }
  return incoming;
}
