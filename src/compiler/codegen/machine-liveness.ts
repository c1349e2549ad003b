import type { Graph } from "../ir/graph.ts";
import { liveSets } from "../ir/liveness.ts";
import { type MachineFunction, machineEdges, type VirtualRegister } from "./machine.ts";
import { forEachTerminatorUse, forEachUse, machineResult } from "./uses.ts";

/** Virtual registers that are alive at the borders of blocks, by block id; see `Liveness` of the IR. */
export interface MachineLiveness {
  readonly liveIn: readonly ReadonlySet<VirtualRegister>[];
  readonly liveOut: readonly ReadonlySet<VirtualRegister>[];
}

/** The graph is that of the IR function: selection keeps blocks and edges. */
export function machineLiveness(fn: MachineFunction, graph: Graph): MachineLiveness {
  const home = new Int32Array(fn.registerCount).fill(-1);
  for (const value of fn.parameters) home[value] = fn.blocks[0]!.id;
  for (const block of fn.blocks) {
    for (const value of block.parameters) home[value] = block.id;
    for (const instruction of block.instructions) {
      const result = machineResult(instruction);
      if (result !== undefined) home[result] = block.id;
    }
  }
  return liveSets(graph, home, (use) => {
    for (const block of fn.blocks) {
      const read = (value: VirtualRegister): void => use(value, block.id);
      for (const instruction of block.instructions) forEachUse(instruction, read);
      forEachTerminatorUse(block.terminator, read);
      for (const edge of machineEdges(block.terminator)) {
        for (const arg of edge.args) if (arg.kind === "value") read(arg.value);
      }
    }
  });
}
