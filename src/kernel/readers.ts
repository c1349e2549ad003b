/** Waiting for programs that run at the moment. */
import { syscall } from "./sys/native.ts";
import { NR } from "./sys/numbers.ts";
import { checked } from "./system-error.ts";

/** MEMBARRIER_CMD_GLOBAL: synchronize_rcu() in kernel/sched/membarrier.c. */
const GLOBAL = 1;

/**
 * Returns when every program that ran at the time of the call has ended: programs run inside of RCU read-side critical
 * sections. Takes some ten milliseconds.
 */
export function waitForRunningPrograms(): void {
  checked(syscall(NR.membarrier, GLOBAL, 0, 0), "waiting for running programs");
}
