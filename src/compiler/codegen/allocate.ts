import type { Graph } from "../ir/graph.ts";
import type { Loops } from "../ir/loops.ts";
import type { AllocatedFunction } from "./allocated.ts";
import { buildIntervals, numberPositions } from "./build-intervals.ts";
import { cleanMoves } from "./clean-moves.ts";
import { commuteOperands } from "./commute.ts";
import { roundUp } from "./frame.ts";
import { Hints } from "./hints.ts";
import { allocatableRegisters, LinearScan } from "./linear-scan.ts";
import type { MachineFunction } from "./machine.ts";
import { machineLiveness } from "./machine-liveness.ts";
import { MovePlan } from "./moves.ts";
import { Places } from "./places.ts";
import { Resolution } from "./resolve.ts";
import { slotLifetimes } from "./slot-lifetimes.ts";
import { SplitPositions } from "./split-positions.ts";
import { clearStaleWords } from "./stale-words.ts";

/** What allocation knows of the function beside its code. */
export interface Surroundings {
  readonly graph: Graph;
  readonly loops: Loops;
  /** By block id. */
  readonly frequency: Float64Array;
  /** How many registers may be used, 3..10. */
  readonly registers: number;
}

/** Chooses registers and stack places for a function and makes the moves that this takes. */
export function allocate(fn: MachineFunction, { graph, loops, frequency, registers }: Surroundings): AllocatedFunction {
  const numbering = numberPositions(fn);
  const liveness = machineLiveness(fn, graph);
  commuteOperands(fn, liveness);
  const intervals = buildIntervals(fn, numbering, liveness, loops);
  const hints = new Hints(fn, frequency, intervals);
  const depths = fn.blocks.map((block) => loops.depth[block.id]!);
  const splits = new SplitPositions(numbering, depths);
  new LinearScan(numbering, hints, splits, allocatableRegisters(registers)).run(intervals.values());
  const { slots } = graph.fn;
  const lifetimes = slotLifetimes(fn, graph, numbering);
  const stackSlots = slots.map(({ size, align }, index) => {
    const ranges = lifetimes[index]!;
    return fn.wholeWordSlots.has(index) ? { size: roundUp(size, 8), align: 8, ranges } : { size, align, ranges };
  });
  const places = new Places(intervals, fn, numbering, stackSlots);
  const moves = new MovePlan(fn, numbering, liveness, frequency, places);
  const allocated = new Resolution(fn, graph, numbering, places, moves).run();
  cleanMoves(allocated);
  clearStaleWords(allocated, graph, loops, {
    isInUse: (offset, block) => places.isShared(offset, numbering.blockStart[block]!),
    usedIn: (block) => places.wordsBetween(numbering.blockStart[block]!, numbering.blockEnd[block]!),
  });
  return allocated;
}
