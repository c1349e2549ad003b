/** Times programs against each other by BPF_PROG_TEST_RUN. */
import { attach } from "../../src/kernel/hooks.ts";
import type { KernelProgram } from "../../src/kernel/programs.ts";
import { syscall } from "../../src/kernel/sys/native.ts";
import { VirtualNetwork } from "../../src/kernel/virtual-network.ts";

const CLOCK_THREAD_CPUTIME_ID = 3;
/** clock_gettime(2): arch/x86/entry/syscalls/syscall_64.tbl, include/uapi/asm-generic/unistd.h. */
const clockGettime = process.arch === "arm64" ? 113 : 228;
const timespec = new BigInt64Array(2);
const timespecBytes = new Uint8Array(timespec.buffer);

/** Nanoseconds that this thread has run: what others take of the processor meanwhile does not count. */
export function threadTime(): number {
  syscall(clockGettime, CLOCK_THREAD_CPUTIME_ID, timespecBytes);
  return Number(timespec[0]! * 1_000_000_000n + timespec[1]!);
}

/**
 * Puts XDP programs into the kernel's dispatcher until it is disposed, by attaching them to devices that get no
 * packets. A test run would put its program there for the time of the run, which costs 20 to 40 ms of patching each
 * (bpf_prog_change_xdp); a program that is there already costs nothing, so that a run can be timed from outside. That
 * matters since the kernel rounds its own figure down to whole nanoseconds.
 */
export function holdInDispatcher(programs: readonly KernelProgram[]): Disposable {
  using owned = new DisposableStack();
  const wires = programs.map(
    (_, index) =>
      [
        { host: "held", device: `held${index}` },
        { host: "idle", device: `idle${index}` },
      ] as const,
  );
  const network = owned.use(new VirtualNetwork({ wires }));
  const { namespace } = network.host("held");
  programs.forEach((program, index) => {
    owned.use(attach(program, { hook: "xdp", device: `held${index}` }, { namespace }));
  });
  return owned.move();
}

/** One thing to time. */
export interface Contender {
  readonly program: KernelProgram;
  /** Called before each run, outside of the timed span: puts the maps in their starting state. */
  readonly prepare?: (() => void) | undefined;
}

export interface TimingOptions {
  readonly packet: Uint8Array;
  readonly pairs: number;
  /** How long one run should take, in milliseconds. */
  readonly runMilliseconds: number;
  /** The most repetitions of a run, where state (room in a ring) bounds it. */
  readonly mostRepeats?: number;
}

/** Nanoseconds per packet of each run, by contender. `series[k][i]` and `series[m][i]` ran right after each other. */
export interface Timing {
  readonly repeat: number;
  readonly series: readonly (readonly number[])[];
}

const WARM_UP_REPEATS = 2000;

function runOnce({ program, prepare }: Contender, packet: Uint8Array, repeat: number): number {
  prepare?.();
  const start = threadTime();
  program.testRun({ packet, repeat });
  return (threadTime() - start) / repeat;
}

/** Runs the contenders in turn, the order changing from round to round, so that drift meets all alike. */
export function timeInterleaved(contenders: readonly Contender[], options: TimingOptions): Timing {
  const { packet, pairs } = options;
  const slowest = Math.max(...contenders.map((contender) => runOnce(contender, packet, WARM_UP_REPEATS)));
  const wanted = Math.round((options.runMilliseconds * 1e6) / slowest);
  const repeat = Math.max(100, Math.min(wanted, options.mostRepeats ?? Number.POSITIVE_INFINITY));
  const series = contenders.map((): number[] => []);
  for (let pair = 0; pair < pairs; pair++) {
    const order = contenders.map((_, index) => (index + pair) % contenders.length);
    for (const index of order) series[index]!.push(runOnce(contenders[index]!, packet, repeat));
  }
  return { repeat, series };
}
