import { type MachineFunction, type MachineInstruction, machineEdges, type VirtualRegister } from "./machine.ts";
import type { MachineLiveness } from "./machine-liveness.ts";
import { forEachTerminatorUse, forEachUse, machineResult } from "./uses.ts";

const commutative: ReadonlySet<string> = new Set(["add", "mul", "and", "or", "xor"]);

/**
 * Turns the operands of commutative operations round where that saves a copy: the left one is overwritten, so it had
 * better be one that nobody needs any more. Sums with an address stay as they are: address first.
 */
export function commuteOperands(fn: MachineFunction, liveness: MachineLiveness): void {
  for (const block of fn.blocks) {
    if (!block.instructions.some(isCommutative)) continue;
    const live = new Set(liveness.liveOut[block.id]!);
    const use = (value: VirtualRegister): void => {
      live.add(value);
    };
    for (const edge of machineEdges(block.terminator)) {
      for (const arg of edge.args) if (arg.kind === "value") use(arg.value);
    }
    forEachTerminatorUse(block.terminator, use);
    for (let index = block.instructions.length - 1; index >= 0; index--) {
      const instruction = commuted(block.instructions[index]!, live);
      block.instructions[index] = instruction;
      const result = machineResult(instruction);
      if (result !== undefined) live.delete(result);
      forEachUse(instruction, use);
    }
  }
}

type Alu = Extract<MachineInstruction, { readonly kind: "alu" }>;

function isCommutative(i: MachineInstruction): i is Alu {
  return i.kind === "alu" && !i.isAddress && commutative.has(i.op);
}

function commuted(i: MachineInstruction, liveBehind: ReadonlySet<VirtualRegister>): MachineInstruction {
  if (!isCommutative(i)) return i;
  const { left, right } = i;
  if (left.kind !== "value" || right.kind !== "value") return i;
  const swap = liveBehind.has(left.value) && !liveBehind.has(right.value);
  return swap ? { ...i, left: right, right: left } : i;
}
