/** The kernel's clock tick, which `time.jiffies()` counts: its rate, and what it reads now. */
import { alu64, callHelper, exit, jump, load, movImm, movReg, reg, store } from "../bytecode/build.ts";
import { KernelProgram } from "./programs.ts";
import { syscall } from "./sys/native.ts";
import { NR } from "./sys/numbers.ts";
import { checked } from "./system-error.ts";

const CLOCK_MONOTONIC_COARSE = 6;
const jiffies64 = 118;
const XDP_PASS = 2;

export interface Ticks {
  readonly perSecond: number;
  /** What `time.jiffies()` gives in kernel code at this moment, to within a tick or two. */
  now(): bigint;
}

let known: Ticks | undefined;

/** Finds out once for the process. @throws NotSupported, E_PERMISSION where programs cannot be loaded */
export function kernelTicks(): Ticks {
  known ??= measureTicks();
  return known;
}

/** CONFIG_HZ: the resolution of the coarse clocks is a tick (posix_get_coarse_res, kernel/time/posix-timers.c). */
export function ticksPerSecond(): number {
  return Math.round(1e9 / Number(tickNanoseconds()));
}

function tickNanoseconds(): bigint {
  const time = new Uint8Array(16);
  checked(syscall(NR.clock_getres, CLOCK_MONOTONIC_COARSE, time), "the resolution of the coarse clock");
  const view = new DataView(time.buffer);
  return view.getBigInt64(0, true) * 1_000_000_000n + view.getBigInt64(8, true);
}

/** Ticks follow the monotonic clock (tick_do_update_jiffies64), so that one reading tells all later ones. */
function measureTicks(): Ticks {
  const tick = tickNanoseconds();
  const start = process.hrtime.bigint();
  const first = readTicks();
  return { perSecond: ticksPerSecond(), now: () => first + (process.hrtime.bigint() - start) / tick };
}

function readTicks(): bigint {
  const instructions = [
    movReg(6, 1),
    callHelper(jiffies64),
    load(4, 1, 6, 0),
    load(4, 2, 6, 4),
    movReg(3, 1),
    alu64("add", 3, 8),
    jump("gt", 3, reg(2), 1),
    store(8, 1, 0, 0),
    movImm(0, XDP_PASS),
    exit(),
  ];
  using program = KernelProgram.load({ name: "ticks", type: "xdp", instructions, license: "GPL" });
  const { packet } = program.testRun({ packet: new Uint8Array(64) });
  return new DataView(packet.buffer, packet.byteOffset).getBigUint64(0, true);
}
