/**
 * For the tests of examples: one packet program in the kernel (by test runs) and in the virtual machine, at XDP and at
 * TCX, with one way to run packets through it and to look into its maps.
 */
import type { MapDeclaration, Module } from "../src/compiler/hir/tree.ts";
import { Codec } from "../src/engine/codec.ts";
import { compileModulePrograms } from "../src/engine/compiled.ts";
import type { EventSource } from "../src/engine/events.ts";
import type { HostMaps } from "../src/engine/host-types.ts";
import { loadModule } from "../src/engine/load.ts";
import { mapSpec } from "../src/engine/map-spec.ts";
import { compileSource } from "../src/engine/source.ts";
import type { PerCpuMap, TypedMap } from "../src/engine/typed-map.ts";
import { isPerCpu } from "../src/kernel/maps/spec.ts";
import type { KernelProgram } from "../src/kernel/programs.ts";
import { RingBuffer as KernelRing } from "../src/kernel/ringbuf.ts";
import { skipWithoutBpf } from "../src/kernel/testing.ts";
import { type HookName, hookNamed } from "../src/language/kinds.ts";
import { link } from "../src/vm/link.ts";
import { createMap } from "../src/vm/maps/create.ts";
import { RingBuffer as VmRing } from "../src/vm/maps/ring-buffer.ts";
import { advanceTimers, runSkb, runXdp } from "../src/vm/run.ts";
import { Timers } from "../src/vm/timers.ts";

/** Where an example is tried. */
export interface Place {
  readonly name: string;
  readonly machine: "vm" | "kernel";
  readonly hook: HookName;
  /** Why it cannot be tried here. */
  readonly skip: string | false;
}

function place(machine: Place["machine"], hook: HookName): Place {
  return { name: `${machine}, ${hook}`, machine, hook, skip: machine === "kernel" && skipWithoutBpf };
}

/** Virtual machine and kernel, XDP and TCX. */
export const everywhere: readonly Place[] = [
  place("vm", "xdp"),
  place("vm", "tcx-ingress"),
  place("kernel", "xdp"),
  place("kernel", "tcx-ingress"),
];

export interface PacketResult {
  readonly verdict: "pass" | "drop" | "transmit" | "redirect" | "aborted";
  readonly packet: Uint8Array;
}

/** What a packet program does with a packet. The clock is the virtual machine's only. */
type Run = (packet: Uint8Array, clock?: bigint) => PacketResult;

/** A map's bytes: the kernel's maps and those of the virtual machine. */
interface RawMap {
  lookup(key: Uint8Array): Uint8Array | undefined;
  update(key: Uint8Array, value: Uint8Array): unknown;
  entries(): Iterable<readonly [Uint8Array, Uint8Array]>;
}

/** A map of an example, decoded; the values of per-CPU maps are lists. */
export class MapView<K, V> {
  readonly #raw: RawMap;
  readonly #key: Codec<K>;
  readonly #value: Codec<unknown>;
  readonly #perCpu: boolean;

  constructor(declaration: MapDeclaration, raw: RawMap, perCpu: boolean) {
    this.#raw = raw;
    this.#key = new Codec(declaration.key!);
    this.#value = new Codec(declaration.value!);
    this.#perCpu = perCpu;
  }

  get(key: K): V | undefined {
    const bytes = this.#raw.lookup(this.#key.encode(key));
    return bytes && this.#decode(bytes);
  }

  set(key: K, value: V): void {
    this.#raw.update(this.#key.encode(key), this.#value.encode(value));
  }

  entries(): [K, V][] {
    return [...this.#raw.entries()].map(([key, value]) => [this.#key.decode(key), this.#decode(value)]);
  }

  #decode(bytes: Uint8Array): V {
    if (!this.#perCpu) return this.#value.decode(bytes) as V;
    const stride = Math.ceil(this.#value.size / 8) * 8;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const count = Math.floor(bytes.length / stride);
    return Array.from({ length: count }, (_, cpu) => this.#value.decodeAt(view, cpu * stride)) as V;
  }
}

type ViewOf<Map> =
  Map extends PerCpuMap<infer K, infer V>
    ? MapView<K, readonly V[]>
    : Map extends TypedMap<infer K, infer V>
      ? MapView<K, V>
      : never;
type EventOf<Map> = Map extends EventSource<infer E> ? E : never;

interface Parts {
  readonly module: Module;
  readonly run: Run;
  readonly raw: (name: string) => RawMap;
  /** Lets the virtual machine's time pass; the kernel's passes by itself. */
  readonly advance?: (now: bigint) => number;
  readonly drain: (name: string, visit: (view: DataView, offset: number) => void) => void;
}

/** An example in one place; `using` takes it away. `M` is its module's type. */
export class Tried<M> implements Disposable {
  readonly run: Run;
  readonly #parts: Parts;
  readonly #owned: DisposableStack;

  constructor(parts: Parts, owned: DisposableStack) {
    this.run = parts.run;
    this.#parts = parts;
    this.#owned = owned;
  }

  map<N extends keyof HostMaps<M> & string>(name: N): ViewOf<HostMaps<M>[N]> {
    const declaration = this.#declaration(name);
    const perCpu = isPerCpu(mapSpec(this.#parts.module, declaration, new Map()).type);
    return new MapView(declaration, this.#parts.raw(name), perCpu) as unknown as ViewOf<HostMaps<M>[N]>;
  }

  /** Takes the events out of a ring buffer. */
  events<N extends keyof HostMaps<M> & string>(name: N): EventOf<HostMaps<M>[N]>[] {
    const codec = new Codec<EventOf<HostMaps<M>[N]>>(this.#declaration(name).value!);
    const events: EventOf<HostMaps<M>[N]>[] = [];
    this.#parts.drain(name, (view, offset) => events.push(codec.decodeAt(view, offset)));
    return events;
  }

  /** Lets the virtual machine's time pass: gives how many timers fired until then. */
  advance(now: bigint): number {
    if (!this.#parts.advance) throw new Error("the kernel's time passes by itself");
    return this.#parts.advance(now);
  }

  [Symbol.dispose](): void {
    this.#owned.dispose();
  }

  #declaration(name: string): MapDeclaration {
    return this.#parts.module.maps.find((map) => map.name === name)!;
  }
}

/** Makes an example ready in one place. */
export async function tryOut<M>(
  { machine, hook }: Place,
  source: URL,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<Tried<M>> {
  const { module } = await compileSource(source);
  return machine === "vm" ? inMachine<M>(module, hook, settings) : inKernel<M>(module, hook, settings);
}

function inKernel<M>(module: Module, name: HookName, settings: Readonly<Record<string, unknown>>): Tried<M> {
  const hook = hookNamed(name)!;
  const program = module.programs.find((one) => one.kind === hook.kind)!;
  const loaded = loadModule(module, [{ program, hook }], { settings });
  const owned = new DisposableStack();
  owned.use(loaded);
  const rings = new Map<string, KernelRing>();
  const ring = (of: string) => {
    const made = rings.get(of) ?? owned.use(new KernelRing(loaded.maps.get(of)!));
    rings.set(of, made);
    return made;
  };
  const kernelProgram = loaded.entries[0]!.kernelProgram;
  return new Tried<M>(
    {
      module: loaded.module,
      run: (packet) => testRun(kernelProgram, name, packet),
      raw: (of) => loaded.maps.get(of)!,
      drain: (of, visit) => ring(of).drain(visit),
    },
    owned,
  );
}

function testRun(program: KernelProgram, hook: HookName, packet: Uint8Array): PacketResult {
  const result = program.testRun({ packet });
  return { verdict: verdictOf(hook, result.returnValue | 0), packet: result.packet.slice() };
}

function inMachine<M>(module: Module, hook: HookName, settings: Readonly<Record<string, unknown>>): Tried<M> {
  const { prepared, programs } = compileModulePrograms(module, { settings, hooks: [hook] });
  const maps = Object.fromEntries(
    prepared.module.maps.map((one) => [one.name, createMap(mapSpec(prepared.module, one, new Map()))]),
  );
  const code = link(programs[0]!.code, maps);
  const timers = new Timers();
  const runner = hook === "xdp" ? runXdp : runSkb;
  return new Tried<M>(
    {
      module: prepared.module,
      run: (packet, clock = 1_000_000_000_000n) => {
        const result = runner(code, packet, { timers, clock: () => clock });
        return { verdict: verdictOf(hook, result.verdict), packet: result.packet };
      },
      raw: (of) => maps[of]!,
      advance: (now) => advanceTimers(timers, now),
      drain: (of, visit) => {
        const ring = maps[of];
        if (!(ring instanceof VmRing)) return;
        for (const bytes of ring.drain()) visit(new DataView(bytes.buffer, bytes.byteOffset), 0);
      },
    },
    new DisposableStack(),
  );
}

function verdictOf(hook: HookName, code: number): PacketResult["verdict"] {
  const names =
    hook === "xdp"
      ? (["aborted", "drop", "pass", "transmit", "redirect"] as const)
      : ({ [-1]: "pass", 2: "drop", 7: "redirect" } as const);
  const name = (names as Readonly<Record<number, PacketResult["verdict"]>>)[code];
  if (name === undefined) throw new Error(`${hook}: no verdict has the number ${code}`);
  return name;
}

/** The sum of a field over the processors' values. */
export function total<V>(values: readonly V[] | undefined, field: keyof V): bigint {
  return (values ?? []).reduce((sum, value) => sum + BigInt(value[field] as bigint), 0n);
}
