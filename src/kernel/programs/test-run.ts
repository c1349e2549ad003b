/** Runs a program on data that user space gives (BPF_PROG_TEST_RUN). */
import { IovisorError } from "../../errors.ts";
import { programTestRun, testRunFlags } from "../sys/bpf.ts";
import { errno } from "../sys/errno.ts";
import { systemError } from "../system-error.ts";

/** Arguments of a test run. */
export interface TestRunOptions {
  /** The frame, from its Ethernet header on: at least 14 bytes for XDP and tc. Absent for tracing programs. */
  readonly packet?: Uint8Array;
  /** The context's bytes; see `xdpContext` and `skbContext`. */
  readonly context?: Uint8Array;
  /**
   * How often; 1 when absent. Only the last run's packet is returned. For XDP any other number costs some 20 to 40 ms,
   * since the kernel patches its dispatcher around the runs (bpf_prog_change_xdp).
   */
  readonly repeat?: number;
  /** See `testRunFlags`. */
  readonly flags?: number;
  /** On which CPU (raw tracepoints only, with `testRunFlags.onCpu`). */
  readonly cpu?: number;
  /** XDP: send the frames as if they came from a device, so that redirects and passes really happen (Linux 5.18). */
  readonly live?: boolean;
  /** Frames per batch for live runs, 1..256; 64 when absent. */
  readonly batch?: number;
  /** Room for the packet that comes back, in bytes; its length plus 4096 when absent. */
  readonly capacity?: number;
}

/** What a test run gave. */
export interface TestRunResult {
  /** The program's return value, unsigned. */
  readonly returnValue: number;
  /** Mean nanoseconds per run, without the call itself. */
  readonly duration: number;
  /** The packet after the run; empty for live frames and tracing programs. */
  readonly packet: Uint8Array;
  /** The context after the run; empty unless a context was given. */
  readonly context: Uint8Array;
}

const EXTRA_ROOM = 4096;
const mostAttempts = 5;

function failure(name: string, result: number, options: TestRunOptions): Error {
  const length = options.packet?.length ?? 0;
  if (result === -errno.EINVAL) {
    return new IovisorError(
      "E_USAGE",
      `program "${name}" cannot be run on this packet of ${length} bytes and this context`,
      "XDP and tc take frames from 14 bytes to about one page, and contexts whose sizes fit the packet",
    );
  }
  if (result === -errno.ENOSPC) {
    const message = `the packet that program "${name}" made is larger than the room for it`;
    return new IovisorError("E_USAGE", message, "raise `capacity`");
  }
  return systemError(`test run of program "${name}"`, result);
}

/** Runs the program behind `fd`. The calling thread waits until all repetitions are done. */
export function testRun(fd: number, name: string, options: TestRunOptions): TestRunResult {
  const { packet, context, live } = options;
  const dataOut = packet && !live ? new Uint8Array(options.capacity ?? packet.length + EXTRA_ROOM) : undefined;
  const contextOut = context && !live ? new Uint8Array(context.length) : undefined;
  const request = {
    fd,
    dataIn: packet,
    dataOut,
    contextIn: context,
    contextOut,
    repeat: options.repeat ?? 0,
    flags: (options.flags ?? 0) | (live ? testRunFlags.xdpLiveFrames : 0),
    cpu: options.cpu ?? 0,
    batchSize: options.batch ?? 0,
  };
  let run = programTestRun(request);
  // A signal ends the repetitions (bpf_test_timer_continue). Live frames were sent by then: those are not run again.
  for (let attempt = 1; run.result === -errno.EINTR && !live && attempt < mostAttempts; attempt++) {
    run = programTestRun(request);
  }
  if (run.result < 0) throw failure(name, run.result, options);
  return {
    returnValue: run.returnValue,
    duration: run.duration,
    packet: dataOut?.subarray(0, run.dataSize) ?? new Uint8Array(0),
    context: contextOut?.subarray(0, run.contextSize) ?? new Uint8Array(0),
  };
}
