/**
 * How long tasks wait for a processor: the time from "ready to run" to "runs", as a histogram.
 *
 *     ./iovisor run examples/run-queue-latency.ts --for 10
 *
 * A task is ready when it is woken, and again when it loses the processor although it could go on. Slot n of the
 * histogram counts waits from 2^n to 2^(n+1) - 1 nanoseconds.
 */
import {
  arrayMap,
  atomicAdd,
  config,
  hash,
  onKernelTracepoint,
  struct,
  type TaskStruct,
  time,
  u32,
  u64,
} from "iovisor/kernel";

const slots = 64;

export const Totals = struct({
  waits: u64,
  nanoseconds: u64,
  /** Times that a task got a processor and its wait had begun unseen: before this was attached, or the map was full. */
  unseen: u64,
});

/** Since when each thread has been ready. */
export const ready = hash({ key: u32, value: u64, maxEntries: 65536, show: "hidden" });
export const waits = arrayMap({ value: u64, maxEntries: slots, show: "histogram", title: "waits in nanoseconds" });
export const totals = arrayMap({ value: Totals, maxEntries: 1 });

export const settings = config({ process: u32.default(0, "process to measure; 0: all") });

export const wakeup = onKernelTracepoint("sched_wakeup", (task) => {
  if (task) startWait(task);
});

export const wakeupNew = onKernelTracepoint("sched_wakeup_new", (task) => {
  if (task) startWait(task);
});

export const switched = onKernelTracepoint("sched_switch", (preempted, previous, next, state) => {
  if (previous && (preempted || state === 0)) startWait(previous);
  if (next) endWait(next);
});

function isMeasured(task: TaskStruct): boolean {
  return task.pid !== 0 && (settings.process === 0 || u32(task.tgid) === settings.process);
}

function startWait(task: TaskStruct): void {
  if (isMeasured(task)) ready.set(u32(task.pid), time.now());
}

function endWait(task: TaskStruct): void {
  if (!isMeasured(task)) return;
  const sum = totals.ref(0);
  if (sum === undefined) return;
  const since = ready.get(u32(task.pid));
  if (since === undefined) {
    atomicAdd(sum, "unseen", 1n);
    return;
  }
  ready.delete(u32(task.pid));
  const waited = time.now() - since;
  const slot = waits.ref(log2(waited));
  if (slot) atomicAdd(slot, "value", 1n);
  atomicAdd(sum, "waits", 1n);
  atomicAdd(sum, "nanoseconds", waited);
}

/** The place of the highest bit that is set; 0 for 0. */
function log2(value: u64): u32 {
  let rest = value;
  let result: u32 = 0;
  for (const step of [32, 16, 8, 4, 2, 1]) {
    if (rest >> u64(step) === 0n) continue;
    rest >>= u64(step);
    result += step;
  }
  return result;
}
