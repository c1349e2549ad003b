import type { Instruction } from "../bytecode/instruction.ts";
import { type Code, prepare, type References } from "./code.ts";
import type { ProgramContext, Redirect } from "./contexts/context.ts";
import { PlainContext, type WritableRanges } from "./contexts/plain.ts";
import { type Clone, SkbContext, type SkbInput } from "./contexts/skb.ts";
import { decodeSockAddr, encodeSockAddr, type SockAddrInput, sockAddrWritable } from "./contexts/sock-addr.ts";
import { XdpContext, type XdpInput } from "./contexts/xdp.ts";
import { createEnvironment, type EnvironmentOptions } from "./environment.ts";
import { VmFault } from "./fault.ts";
import { Machine, type MachineOptions } from "./machine.ts";
import { mapAddress, valueAddress } from "./maps/address.ts";
import { Memory } from "./memory.ts";
import type { Timer, Timers } from "./timers.ts";

/** Instructions, or a program that `prepare` decoded already (quicker when it runs often). */
export type Program = readonly Instruction[] | Code;

export interface RunOptions extends EnvironmentOptions, MachineOptions, References {}

/** What any run leaves behind. */
export interface RunResult {
  /** r0, unsigned. */
  readonly result: bigint;
  /** Instructions that ran. */
  readonly steps: number;
  /** What `bpf_trace_printk` wrote. */
  readonly trace: readonly string[];
}

export interface XdpResult extends RunResult {
  /** XDP_ABORTED 0, DROP 1, PASS 2, TX 3, REDIRECT 4. */
  readonly verdict: number;
  readonly packet: Uint8Array;
  /** Bytes of metadata before the packet. */
  readonly metadata: Uint8Array;
  /** Where to, for the verdict REDIRECT. */
  readonly redirect: Redirect | undefined;
}

export interface SkbResult extends RunResult {
  /** TC_ACT_*, signed: UNSPEC -1, OK 0, SHOT 2, REDIRECT 7. */
  readonly verdict: number;
  readonly packet: Uint8Array;
  /** The skb afterwards, to read fields (`skb.get("mark")`). */
  readonly skb: SkbContext;
  /** Where to, for the verdict REDIRECT. */
  readonly redirect: Redirect | undefined;
  readonly clones: readonly Clone[];
}

/** Runs an XDP program on a packet, as BPF_PROG_TEST_RUN. The packet given stays as it is. Throws {@link VmFault}. */
export function runXdp(program: Program, packet: Uint8Array, options: RunOptions & XdpInput = {}): XdpResult {
  const memory = new Memory();
  const context = new XdpContext(memory, packet, options);
  const outcome = finish(start(codeOf(program, options), options, memory, context), [context.address]);
  const verdict = Number(outcome.result & 0xffff_ffffn);
  return {
    ...outcome,
    verdict,
    packet: context.packet.bytes.slice(),
    metadata: context.packet.meta.slice(),
    redirect: verdict === 4 ? context.redirect : undefined,
  };
}

/** Runs a tc program on a packet that starts with its Ethernet header. Throws {@link VmFault}. */
export function runSkb(program: Program, packet: Uint8Array, options: RunOptions & SkbInput = {}): SkbResult {
  const memory = new Memory();
  const skb = new SkbContext(memory, packet, options);
  const outcome = finish(start(codeOf(program, options), options, memory, skb), [skb.address]);
  const verdict = Number(BigInt.asIntN(32, outcome.result));
  return {
    ...outcome,
    verdict,
    packet: skb.packet.bytes.slice(),
    skb,
    redirect: verdict === 7 ? skb.redirect : undefined,
    clones: skb.clones,
  };
}

export interface SockAddrResult extends RunResult {
  /** Whether the program lets the call go on. */
  readonly allowed: boolean;
  /** The address afterwards: 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly port: number;
}

export interface MemoryInput {
  /** What r1 points to, with its length in r2. Changed in place. Default: r1 is 0. */
  readonly memory?: Uint8Array;
  /** Parts of the memory that the program may write. Default: all. */
  readonly writable?: WritableRanges;
  /** What messages call the memory. Default "the context". */
  readonly contextName?: string;
}

/**
 * Runs a program on plain bytes: a tracepoint's record, `struct bpf_sock_addr`, or input memory of a test. Throws
 * {@link VmFault}.
 */
export function run(program: Program, options: RunOptions & MemoryInput = {}): RunResult {
  const memory = new Memory();
  const code = codeOf(program, options);
  if (options.memory === undefined) {
    return finish(start(code, options, memory), [0n, 0n]);
  }
  const { length } = options.memory;
  const writable = options.writable ?? [[0, length]];
  const context = new PlainContext(memory, options.memory, options.contextName ?? "the context", writable);
  return finish(start(code, options, memory, context), [context.address, BigInt(length)]);
}

/**
 * Runs a BTF tracepoint or raw tracepoint program: its context is one 64-bit word per argument. Bytes stand for a
 * kernel object: the program gets their address and may read them. Throws {@link VmFault}.
 */
export function runWithArguments(
  program: Program,
  args: readonly (bigint | Uint8Array)[],
  options: RunOptions = {},
): RunResult {
  const memory = new Memory();
  const words = args.map((value, index) =>
    typeof value === "bigint" ? BigInt.asUintN(64, value) : memory.add(`argument ${index}`, value, { writable: false }),
  );
  const bytes = new Uint8Array(new BigUint64Array(words).buffer);
  const context = new PlainContext(memory, bytes, "the tracepoint's arguments", []);
  return finish(start(codeOf(program, options), options, memory, context), [context.address]);
}

/** Runs a cgroup program on the address of a connect, bind or sendmsg. Throws {@link VmFault}. */
export function runSockAddr(program: Program, input: SockAddrInput, options: RunOptions = {}): SockAddrResult {
  const memory = new Memory();
  const bytes = encodeSockAddr(input);
  const context = new PlainContext(memory, bytes, "struct bpf_sock_addr", sockAddrWritable(input.attach));
  const outcome = finish(start(codeOf(program, options), options, memory, context), [context.address]);
  return { ...outcome, allowed: (outcome.result & 1n) === 1n, ...decodeSockAddr(bytes, input.attach) };
}

/** More callbacks than this in one advance of the clock: timers that arm themselves without a delay. */
const MAX_FIRED = 100_000;

/**
 * Lets the time of timers pass until `now`: the callbacks of those that expire run in the order of their times, each
 * with the clock at its own, also those of timers that callbacks arm. Gives how many ran. Throws {@link VmFault}.
 */
export function advanceTimers(timers: Timers, now: bigint, options: Omit<RunOptions, "clock" | "timers"> = {}): number {
  for (let fired = 0; ; fired++) {
    const timer = timers.next(now, options.cpu ?? 0);
    if (timer === undefined) return fired;
    if (fired >= MAX_FIRED) throw new VmFault(0, undefined, `more than ${MAX_FIRED} timers fired`);
    const at = timer.expires!;
    timers.running = timer;
    try {
      runTimer(timer, { ...options, timers, clock: () => at });
    } finally {
      timers.running = undefined;
    }
  }
}

/** Fires a timer: disarms it and runs its callback with map, key and value. */
export function runTimer(timer: Timer, options: RunOptions = {}): RunResult {
  const { callback } = timer;
  timer.expires = undefined;
  if (callback === undefined) {
    return { result: 0n, steps: 0, trace: [] };
  }
  const machine = start(callback.code, options, new Memory());
  const key = machine.memory.add("the timer's key", timer.key.slice(), { writable: false });
  const value = valueAddress(machine, timer.map, timer.value);
  return finish(machine, [mapAddress(machine, timer.map), key, value], callback.pc);
}

const prepared = new WeakMap<readonly Instruction[], Code>();

function start(code: Code, options: RunOptions, memory: Memory, context?: ProgramContext): Machine {
  return new Machine(code, createEnvironment(options), { memory, context }, options);
}

/** Decodes a list of instructions once as long as it runs with the same maps. */
function codeOf(program: Program, { maps, kfuncNames }: RunOptions): Code {
  if ("steps" in program) {
    return program;
  }
  const known = prepared.get(program);
  if (known !== undefined && known.references.maps === maps && known.references.kfuncNames === kfuncNames) {
    return known;
  }
  const references = { ...(maps && { maps }), ...(kfuncNames && { kfuncNames }) };
  const code = prepare(program, references);
  prepared.set(program, code);
  return code;
}

function finish(machine: Machine, args: readonly bigint[], pc = 0): RunResult {
  const result = machine.call(machine.code, pc, args);
  if (machine.held.size > 0) {
    const what = [...machine.held.values()].join(", ");
    throw new VmFault(machine.pc, undefined, `the program ends while holding ${what}`);
  }
  return { result, steps: machine.steps, trace: machine.environment.trace };
}
