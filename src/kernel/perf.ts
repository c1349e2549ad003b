/** perf_event_open(2): events that tracepoint programs attach to (kernel: include/uapi/linux/perf_event.h). */
import { IovisorError } from "../errors.ts";
import { Descriptor } from "./sys/descriptor.ts";
import { errno } from "./sys/errno.ts";
import { syscall } from "./sys/native.ts";
import { NR } from "./sys/numbers.ts";
import { systemError } from "./system-error.ts";

/** PERF_ATTR_SIZE_VER5; later kernels take a shorter structure as one whose rest is zero. */
const ATTRIBUTE_SIZE = 112;
const FLAG_CLOSE_ON_EXEC = 8;
/** Bit of the flags word at offset 40: `config`, `sample_period` are a frequency. */
const FREQUENCY = 1 << 10;

/** PERF_TYPE_*. */
export const perfTypes = { hardware: 0, software: 1, tracepoint: 2 } as const;
/** PERF_COUNT_SW_*. */
export const softwareEvents = { cpuClock: 0, taskClock: 1, pageFaults: 2, contextSwitches: 3 } as const;

/** An event to open. */
export interface PerfEventSpec {
  readonly type: number;
  /** Which event of the type: a tracepoint's id, a software event's number. */
  readonly config: number;
  /** One sample per this many events; 1 by default. */
  readonly period?: number;
  /** Samples per second, instead of a period. */
  readonly frequency?: number;
  /** One process only; all by default. */
  readonly pid?: number;
  /** The CPU; needed when `pid` is absent. Tracepoint programs run on all CPUs whichever is given. */
  readonly cpu?: number;
}

/** Opens an event. Throws E_PERMISSION, or E_USAGE if there is no such event. */
export function openPerfEvent(spec: PerfEventSpec, what: string): Descriptor {
  const attribute = new Uint8Array(ATTRIBUTE_SIZE);
  const view = new DataView(attribute.buffer);
  view.setUint32(0, spec.type, true);
  view.setUint32(4, ATTRIBUTE_SIZE, true);
  view.setBigUint64(8, BigInt(spec.config), true);
  view.setBigUint64(16, BigInt(spec.frequency ?? spec.period ?? 1), true);
  view.setUint32(40, spec.frequency === undefined ? 0 : FREQUENCY, true);
  // One wake-up per event; the kernel wants a value although nobody reads the event's buffer.
  view.setUint32(48, 1, true);
  const cpu = spec.cpu ?? (spec.pid === undefined ? 0 : -1);
  const result = syscall(NR.perf_event_open, attribute, spec.pid ?? -1, cpu, -1, FLAG_CLOSE_ON_EXEC);
  if (result >= 0) return new Descriptor(result, what);
  if (result === -errno.ENOENT || result === -errno.EINVAL) {
    throw new IovisorError("E_USAGE", `${what}: the kernel has no such event`, "check its type and number");
  }
  throw systemError(`opening ${what}`, result, "run as root, or with CAP_PERFMON");
}
