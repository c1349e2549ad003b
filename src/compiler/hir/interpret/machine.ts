import { type Hook, hooks } from "../../../language/kinds.ts";
import type { MapStore } from "../map-store.ts";
import type { Position } from "../position.ts";
import { resolveSettings, type SettingValues } from "../settings.ts";
import { type Callback, isCallback, type MapDeclaration, type Module, type Program, type Routine } from "../tree.ts";
import { contextParameters } from "../verify/scope.ts";
import { createMapStore } from "./maps.ts";
import type { InterpretInput, KernelModel, ProcessModel } from "./options.ts";
import { type Packet, SkbPacket, type TagBeside, XdpPacket } from "./packet.ts";
import { TimerQueue } from "./timers.ts";
import { InterpreterTrap } from "./trap.ts";
import { referenceToBytes, type Value } from "./values.ts";

export interface EmittedEvent {
  /** Index of the ring buffer in the module. */
  readonly map: number;
  readonly bytes: Uint8Array;
}

/** A copy of the packet that went out of a device, or (`ingress`) to the stack as received on it. */
export interface ClonedPacket extends TagBeside {
  readonly ifindex: number;
  readonly ingress?: true;
  readonly packet: Uint8Array;
}

const defaultMaxSteps = 10_000_000;
/** A page without headroom and struct skb_shared_info: the frames of BPF_PROG_TEST_RUN. */
const mostFrameBytes = 3520;
/** BPF_SKB_MAX_LEN, net/core/filter.c: four pages without struct skb_shared_info. */
const mostSkbBytes = 16064;
/** MAX_TAIL_CALL_CNT, include/linux/bpf.h. */
const maxTailCalls = 33;

/** The state of one run. */
export class Machine {
  readonly module: Module;
  readonly input: InterpretInput;
  readonly hook: Hook;
  readonly settings: SettingValues;
  readonly maps: readonly MapStore[];
  readonly events: EmittedEvent[] = [];
  readonly clones: ClonedPacket[] = [];
  readonly timers: TimerQueue;
  /** The side whose next hook lets the packet through. */
  handled: number | undefined;
  /** Beside the frame, at XDP. */
  note: bigint | undefined;
  readonly #packet: Packet | undefined;
  /** By the slots of the module's interface. */
  readonly metadata: (bigint | boolean)[];
  #routine: Routine;
  #locals = new Map<number, Value>();
  #steps = 0;
  #tailCalls = 0;
  #time = 0n;
  #seed = 1;

  /** @param routine a program, which begins with the input's context, or a callback that `inCallback` will run. */
  constructor(routine: Routine, module: Module, input: InterpretInput) {
    this.module = module;
    this.input = input;
    this.hook = hooks[input.hook];
    this.settings = input.settings ?? resolveSettings(module, {});
    this.maps = input.maps ?? module.maps.map((map) => createMapStore(map, (input.cpu ?? 0) + 1));
    this.#packet = input.packet && newPacket(input, input.packet, this.hook);
    const slots = module.interface?.metadata ?? [];
    this.metadata = slots.map(({ name, width }) => input.metadata?.[name] ?? (width === "bool" ? false : 0n));
    this.timers = input.timers ?? new TimerQueue();
    this.#routine = routine;
    if (!isCallback(routine)) this.enter(routine);
  }

  /** @returns false when there were so many that the kernel goes on in the caller. */
  countTailCall(): boolean {
    return this.#tailCalls++ < maxTailCalls;
  }

  /** Starts over in a program: what a tail call does. */
  enter(program: Program): void {
    this.#routine = program;
    this.#locals = new Map();
    for (const local of contextParameters(program)) this.#locals.set(local, this.#context(program, local));
  }

  #context(program: Program, local: number): Value {
    const type = program.locals[local]!.type;
    const { context } = this.input;
    if (type.kind !== "ref") return undefined;
    if (context instanceof Uint8Array) return referenceToBytes("context", context, type.layout);
    return { kind: "object", region: "context", object: context, layout: type.layout };
  }

  /** Runs `body` as a callback's: with the key and the value in its own variables. */
  inCallback(callback: Callback, key: Uint8Array, value: Uint8Array, body: () => void): void {
    const [routine, locals] = [this.#routine, this.#locals];
    const [keyType, valueType] = callback.locals.map(({ type }) => type);
    if (keyType?.kind !== "ref" || valueType?.kind !== "ref") throw new InterpreterTrap("no parameters", callback.at);
    this.#routine = callback;
    this.#locals = new Map([
      [0, referenceToBytes("constant", key, keyType.layout)],
      [1, referenceToBytes("map", value, valueType.layout)],
    ]);
    body();
    [this.#routine, this.#locals] = [routine, locals];
  }

  /** The program or callback that runs. */
  get routine(): Routine {
    return this.#routine;
  }

  /** Counts a statement or a round. */
  step(at: Position): void {
    if (++this.#steps > (this.input.maxSteps ?? defaultMaxSteps))
      throw new InterpreterTrap(`more than ${this.input.maxSteps ?? defaultMaxSteps} steps`, at);
  }

  packet(at: Position): Packet {
    if (!this.#packet) throw new InterpreterTrap("a run without a packet", at);
    return this.#packet;
  }

  get finalPacket(): Packet | undefined {
    return this.#packet;
  }

  readLocal(index: number, at: Position): Value {
    if (!this.#locals.has(index)) throw new InterpreterTrap(`local ${index} is read before it has a value`, at);
    return this.#locals.get(index);
  }

  writeLocal(index: number, value: Value): void {
    this.#locals.set(index, value);
  }

  clearLocal(index: number): void {
    this.#locals.delete(index);
  }

  map(index: number | undefined, at: Position): { readonly store: MapStore; readonly declaration: MapDeclaration } {
    const store = index === undefined ? undefined : this.maps[index];
    const declaration = index === undefined ? undefined : this.module.maps[index];
    if (!store || !declaration) throw new InterpreterTrap(`no map ${index}`, at);
    return { store, declaration };
  }

  clock(): bigint {
    if (this.input.clock) return this.input.clock();
    const now = this.#time;
    this.#time += 1000n;
    return now;
  }

  /** xorshift32 where the input brings no source. */
  random(): bigint {
    if (this.input.random) return BigInt.asUintN(32, BigInt(this.input.random()));
    let seed = this.#seed;
    seed ^= seed << 13;
    seed ^= seed >>> 17;
    seed ^= seed << 5;
    this.#seed = seed;
    return BigInt(seed >>> 0);
  }

  get cpu(): number {
    return this.input.cpu ?? 0;
  }

  kernel(at: Position): KernelModel {
    if (!this.input.kernel) throw new InterpreterTrap("a run without a model of the kernel", at);
    return this.input.kernel;
  }

  process(at: Position): ProcessModel {
    if (!this.input.process) throw new InterpreterTrap("a run without a current process", at);
    return this.input.process;
  }
}

function newPacket(input: InterpretInput, bytes: Uint8Array, hook: Hook): Packet {
  return hook.packetModel === "skb"
    ? new SkbPacket(bytes, input.maxLength ?? mostSkbBytes, input)
    : new XdpPacket(bytes, input.maxLength ?? mostFrameBytes);
}
