/** Times programs against each other by BPF_PROG_TEST_RUN. */
import { type Attachment, attach } from "../../src/kernel/hooks.ts";
import type { KernelProgram } from "../../src/kernel/programs.ts";
import { errno } from "../../src/kernel/sys/errno.ts";
import { syscall } from "../../src/kernel/sys/native.ts";
import { hasErrno } from "../../src/kernel/system-error.ts";
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
 * Keeps XDP programs in the kernel's dispatcher, by attaching them to devices that get no packets. A test run would put
 * its program there for the time of the run, which costs 20 to 40 ms of patching (bpf_prog_change_xdp); a program that
 * is there already costs nothing, so that a run can be timed from outside. That matters since the kernel rounds its own
 * figure down to whole nanoseconds.
 */
export class DispatcherHold implements Disposable {
  readonly #owned = new DisposableStack();
  readonly #network: VirtualNetwork;
  readonly #attachments: Attachment[] = [];

  /** Room for so many programs at once. */
  constructor(places: number) {
    const wires = Array.from(
      { length: places },
      (_, index) =>
        [
          { host: "held", device: `held${index}` },
          { host: "idle", device: `idle${index}` },
        ] as const,
    );
    this.#network = this.#owned.use(new VirtualNetwork({ wires }));
  }

  /** Holds these programs instead of the ones before. */
  hold(programs: readonly KernelProgram[]): void {
    const { namespace } = this.#network.host("held");
    for (const [index, program] of programs.entries()) {
      const known = this.#attachments[index];
      if (known) known.update(program);
      else {
        const spec = { hook: "xdp", device: `held${index}` } as const;
        this.#attachments.push(this.#owned.use(attach(program, spec, { namespace })));
      }
    }
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
  }
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
  readonly mostRepeats?: number | undefined;
  /**
   * Which contender begins the first round. To be changed from layout to layout: what the kernel still does for the
   * programs before (freeing them) falls into the first run.
   */
  readonly first?: number;
}

/** Nanoseconds per packet of each run, by contender. `series[k][i]` and `series[m][i]` ran right after each other. */
export interface Timing {
  /** By contender. */
  readonly repeats: readonly number[];
  readonly series: readonly (readonly number[])[];
}

const WARM_UP_REPEATS = 20_000;
const WARM_UP_NANOSECONDS = 50_000_000;

/** Rounds enough to warm up with, fewer for what takes long. */
function warmUp(contender: Contender, packet: Uint8Array): number {
  return Math.max(100, Math.min(WARM_UP_REPEATS, WARM_UP_NANOSECONDS / runOnce(contender, packet, 100))) | 0;
}

/** A signal (the end of a child process) breaks a test run off; so many times in a row are no accident. */
const ATTEMPTS = 5;

function runOnce({ program, prepare }: Contender, packet: Uint8Array, repeat: number): number {
  for (let attempt = 1; ; attempt++) {
    prepare?.();
    const start = threadTime();
    try {
      program.testRun({ packet, repeat });
      return (threadTime() - start) / repeat;
    } catch (error) {
      if (attempt === ATTEMPTS || !hasErrno(error, errno.EINTR)) throw error;
    }
  }
}

/** Runs the contenders in turn, the order changing from round to round, so that drift meets all alike. */
export function timeInterleaved(contenders: readonly Contender[], options: TimingOptions): Timing {
  const { packet, pairs } = options;
  // Each has its own: a call of BPF_PROG_TEST_RUN costs microseconds, so few rounds would flatter the slow ones.
  const repeats = contenders.map((contender) => {
    const wanted = Math.round((options.runMilliseconds * 1e6) / runOnce(contender, packet, warmUp(contender, packet)));
    return Math.max(100, Math.min(wanted, options.mostRepeats ?? Number.POSITIVE_INFINITY));
  });
  const series = contenders.map((): number[] => []);
  for (let pair = 0; pair < pairs; pair++) {
    const order = contenders.map((_, index) => (index + pair + (options.first ?? 0)) % contenders.length);
    for (const index of order) series[index]!.push(runOnce(contenders[index]!, packet, repeats[index]!));
  }
  return { repeats, series };
}
