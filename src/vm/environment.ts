import type { FibDevice, FibTable } from "./fib.ts";
import type { Helper } from "./helpers/helper.ts";
import { Timers } from "./timers.ts";

/** The process that a tracing program finds itself in. */
export interface Task {
  readonly pid?: number;
  readonly tgid?: number;
  readonly uid?: number;
  readonly gid?: number;
  /** Up to 15 bytes. */
  readonly comm?: string;
  /** What `bpf_get_current_task` points to. Default empty. */
  readonly bytes?: Uint8Array;
}

/** A network interface that helpers know. */
export type Device = FibDevice;

/** The world around a program. Everything has a fixed default, so that a run is repeatable. */
export interface EnvironmentOptions {
  /** Nanoseconds since boot. Default: always 1,000,000,000. */
  readonly clock?: () => bigint;
  /** Unsigned 32-bit numbers. Default: a fixed sequence, new for each run. */
  readonly random?: () => number;
  /** The CPU that the program runs on. Default 0. */
  readonly cpu?: number;
  /** Ticks per second of jiffies and the coarse clock. Default 1000. */
  readonly hz?: number;
  /** Interfaces by index. Default: all exist, with an MTU of 1500. */
  readonly devices?: ReadonlyMap<number, Device>;
  /** For `bpf_fib_lookup`. Default: no routes. */
  readonly routes?: FibTable;
  readonly task?: Task;
  /** Kernel functions by name, before the machine's own. */
  readonly kfuncs?: ReadonlyMap<string, Helper>;
  /** Keep it over several runs to see the timers that programs armed. */
  readonly timers?: Timers;
}

/** {@link EnvironmentOptions} with the defaults filled in, plus what the run leaves behind. */
export interface Environment {
  readonly now: () => bigint;
  readonly random: () => number;
  readonly cpu: number;
  readonly hz: number;
  readonly device: (index: number) => Device | undefined;
  readonly routes: FibTable;
  readonly task: Task;
  readonly kfuncs: ReadonlyMap<string, Helper>;
  readonly timers: Timers;
  /** What `bpf_trace_printk` wrote. */
  readonly trace: string[];
}

export function createEnvironment(options: EnvironmentOptions): Environment {
  const { devices } = options;
  return {
    now: options.clock ?? (() => 1_000_000_000n),
    random: options.random ?? fixedSequence(),
    cpu: options.cpu ?? 0,
    hz: options.hz ?? 1000,
    device: devices === undefined ? () => ({ mtu: 1500 }) : (index) => devices.get(index),
    routes: options.routes ?? [],
    task: options.task ?? {},
    kfuncs: options.kfuncs ?? new Map(),
    timers: options.timers ?? new Timers(),
    trace: [],
  };
}

/** Marsaglia's xorshift32 from a fixed seed. */
function fixedSequence(): () => number {
  let state = 0x2545_f491;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}
