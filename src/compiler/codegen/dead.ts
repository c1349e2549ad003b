import { type MachineFunction, machineEdges } from "./machine.ts";
import { forEachTerminatorUse, forEachUse, isRemovable, machineResult } from "./uses.ts";

/** Removes instructions whose result nobody reads and that do nothing else. */
export function removeDead(fn: MachineFunction): void {
  const uses = new Uint32Array(fn.registerCount);
  const add = (value: number): void => {
    uses[value]!++;
  };
  for (const block of fn.blocks) {
    for (const instruction of block.instructions) forEachUse(instruction, add);
    forEachTerminatorUse(block.terminator, add);
    for (const edge of machineEdges(block.terminator)) {
      for (const arg of edge.args) if (arg.kind === "value") add(arg.value);
    }
  }
  // Definitions come before uses in this order, so that going backwards one round finds all but dead cycles.
  for (const block of [...fn.blocks].reverse()) {
    block.instructions = block.instructions
      .reverse()
      .filter((instruction) => {
        const result = machineResult(instruction);
        const dead = isRemovable(instruction) && result !== undefined && uses[result] === 0;
        if (dead) {
          forEachUse(instruction, (value) => {
            uses[value]!--;
          });
        }
        return !dead;
      })
      .reverse();
  }
}
