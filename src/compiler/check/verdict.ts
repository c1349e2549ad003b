import { isCallback, type Routine } from "../hir/tree.ts";

/** Packet and connect programs return a verdict, tracers and callbacks nothing. */
export function givesVerdict(routine: Routine): boolean {
  return !isCallback(routine) && routine.kind !== "tracepoint" && routine.kind !== "btfTracepoint";
}
