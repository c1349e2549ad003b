import type { u32, u64 } from "./scalars.js";

/** Clocks. */
export declare const time: {
  /** Nanoseconds since boot, without the time that the machine was suspended. */
  now(): u64;
  /** The same at the resolution of the timer tick, and cheaper. Linux 5.11. Not in tracers. */
  coarse(): u64;
  /** Timer ticks since boot. Linux 5.5. */
  jiffies(): u64;
};

/** 32 pseudo-random bits. Not for secrets. */
export declare function random(): u32;
/** The number of the processor that runs this. */
export declare function cpu(): u32;
