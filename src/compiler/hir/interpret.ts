import { type ClonedPacket, type EmittedEvent, Machine } from "./interpret/machine.ts";
import type { InterpretInput, MetadataValues } from "./interpret/options.ts";
import { tagBeside } from "./interpret/packet.ts";
import { runBody, runCallback } from "./interpret/statements.ts";
import { TailCall } from "./interpret/tail-call.ts";
import type { TimerQueue } from "./interpret/timers.ts";
import { InterpreterTrap } from "./interpret/trap.ts";
import type { GraphVerdict, Value, Verdict } from "./interpret/values.ts";
import type { MapStore } from "./map-store.ts";
import type { Module, Program } from "./tree.ts";

export { createMapStore, type ListedStore } from "./interpret/maps.ts";
export type { InterpretInput, KernelModel, MetadataValues, ProcessModel } from "./interpret/options.ts";
export { TimerQueue } from "./interpret/timers.ts";
export { InterpreterTrap } from "./interpret/trap.ts";

export interface InterpretResult {
  /** Absent for tracers. */
  readonly verdict?: {
    readonly name: string;
    /** The number that the program returns at this hook, as a signed 32-bit integer; absent for verdicts of a graph. */
    readonly code?: number;
  } & GraphVerdict;
  /** The device that a redirect (or a transmit) names. */
  readonly redirect?: {
    /** 0 for a broadcast. */
    readonly ifindex: number;
    /** To the stack, as if the device had received it. */
    readonly ingress?: true;
    /** Every device that gets a copy. */
    readonly broadcast?: readonly number[];
  };
  /** Copies that were sent on the way. */
  readonly clones: readonly ClonedPacket[];
  /** The frame afterwards. */
  readonly packet?: Uint8Array;
  /** A tag beside the frame (skb hooks). */
  readonly vlanTag?: number;
  /** Its EtherType, where that is not 0x8100. */
  readonly vlanProtocol?: number;
  /** Records that were sent to ring buffers, in order. */
  readonly events: readonly EmittedEvent[];
  /** The stores of all maps, in the module's order. */
  readonly maps: readonly MapStore[];
  /** What the packet carries on, by name: all that the module declares. */
  readonly metadata?: MetadataValues;
}

/**
 * Runs a program: the reference meaning of HIR, on exact integers with explicit widths. Slow and simple on purpose.
 *
 * `module` must be verified (`verifyModule`); what the flow checker finds fault with may trap.
 *
 * @throws InterpreterTrap when the program does what the flow checker excludes, or exceeds `maxSteps`.
 */
export function interpret(program: Program, module: Module, input: InterpretInput): InterpretResult {
  const machine = new Machine(program, module, input);
  const value = runProgram(machine);
  const packet = machine.finalPacket;
  return {
    ...(isVerdict(value) ? conclude(value, machine) : {}),
    ...(packet ? { packet: packet.storage.bytes } : {}),
    ...(packet ? tagBeside(packet) : {}),
    clones: machine.clones,
    events: machine.events,
    maps: machine.maps,
    ...(machine.metadata.length === 0 ? {} : { metadata: metadataOf(machine) }),
  };
}

/** What the callbacks of timers left behind. */
export interface TimersResult extends Pick<InterpretResult, "events" | "maps"> {
  /** Callbacks that ran. */
  readonly fired: number;
}

/** More callbacks than this in one advance of the clock: timers that arm themselves without a delay. */
const mostFired = 100_000;

/**
 * Lets the time of `input.timers` pass until `now`: the callbacks of the timers that expire run in the order of their
 * times, each with the clock at its own, also those of timers that callbacks arm.
 *
 * @throws InterpreterTrap as `interpret`
 */
export function advanceTimers(
  module: Module,
  input: Omit<InterpretInput, "clock"> & { readonly timers: TimerQueue },
  now: bigint,
): TimersResult {
  const events: EmittedEvent[] = [];
  let { maps } = input;
  for (let fired = 0; ; fired++) {
    const timer = input.timers.take(now);
    if (!timer) return { events, fired, maps: maps ?? [] };
    const callback = module.callbacks[timer.callback]!;
    if (fired >= mostFired) throw new InterpreterTrap(`more than ${mostFired} timers fired`, callback.at);
    const machine = new Machine(callback, module, { ...input, ...(maps ? { maps } : {}), clock: () => timer.expires });
    maps = machine.maps;
    if (!timer.isLive(machine.maps)) continue;
    input.timers.during(timer, () => runCallback(machine, callback, timer.key, timer.value));
    events.push(...machine.events);
  }
}

function runProgram(machine: Machine): Value {
  for (;;) {
    try {
      const done = runBody(machine.routine.body, machine);
      if (done && done.kind !== "return") throw new InterpreterTrap("a jump out of the program", machine.routine.at);
      if (!done && machine.routine.kind !== "tracepoint" && machine.routine.kind !== "btfTracepoint")
        throw new InterpreterTrap("the program ends without a verdict", machine.routine.at);
      return done?.value;
    } catch (thrown) {
      if (!(thrown instanceof TailCall)) throw thrown;
      machine.enter(thrown.program);
    }
  }
}

function isVerdict(value: Value): value is Verdict {
  return typeof value === "object" && "name" in value;
}

function metadataOf({ module, metadata }: Machine): MetadataValues {
  return Object.fromEntries(metadata.map((value, slot) => [module.interface!.metadata[slot]!.name, value]));
}

/** What only a graph has: no hook gives these verdicts a number. */
const graphOnly: ReadonlySet<string> = new Set(["forward", "flood", "punt"]);

function conclude(verdict: Verdict, machine: Machine): Pick<InterpretResult, "verdict" | "redirect"> {
  if (graphOnly.has(verdict.name)) return { verdict: { name: verdict.name, ...verdict.graph } };
  const { verdicts } = machine.hook;
  // Where a hook cannot send a packet back by itself, that is a redirect to its own device.
  const code = verdicts[verdict.name] ?? (verdict.name === "transmit" ? verdicts["redirect"] : undefined);
  if (code === undefined)
    throw new InterpreterTrap(`${machine.hook.name} has no verdict ${verdict.name}`, machine.routine.at);
  return {
    verdict: { name: verdict.name, code, ...verdict.graph },
    ...redirectOf(verdict),
  };
}

function redirectOf({ ifindex, ingress, broadcast }: Verdict): Pick<InterpretResult, "redirect"> {
  if (broadcast) return { redirect: { ifindex: 0, broadcast } };
  if (ifindex === undefined) return {};
  return { redirect: { ifindex: Number(ifindex), ...(ingress ? { ingress } : {}) } };
}
