/** What runs a function of a graph: the interpreter on the module as it is; the machine and the kernel on its code. */
import { type CompiledProgram, compileProgram } from "../../src/compiler/compile.ts";
import { createMapStore, type InterpretInput, interpret, type ListedStore } from "../../src/compiler/hir/interpret.ts";
import { tagProtocols } from "../../src/compiler/hir/tag-protocols.ts";
import type { MapDeclaration, Module } from "../../src/compiler/hir/tree.ts";
import { runningAbilities } from "../../src/engine/abilities.ts";
import { Codec, type HostValue } from "../../src/engine/codec.ts";
import { compilerHook } from "../../src/engine/datapath/load-composed.ts";
import type { TableContents } from "../../src/engine/host/host-side.ts";
import { runningKernelTypes } from "../../src/engine/kernel-types.ts";
import { mapSpec } from "../../src/engine/map-spec.ts";
import { makeMapTypes } from "../../src/engine/map-types.ts";
import { tagNumber, withTagBeside } from "../../src/engine/pipeline/tag-beside.ts";
import type { PipelineHook } from "../../src/engine/pipeline/topology.ts";
import { verdictKinds } from "../../src/engine/pipeline/verdict-codes.ts";
import { type PreparedModule, prepareModule, programSpec } from "../../src/engine/prepare.ts";
import { KernelMap } from "../../src/kernel/maps.ts";
import { KernelProgram } from "../../src/kernel/programs.ts";
import type { Code } from "../../src/vm/code.ts";
import type { EnvironmentOptions } from "../../src/vm/environment.ts";
import { fibLookup } from "../../src/vm/fib.ts";
import { link } from "../../src/vm/link.ts";
import { createMap } from "../../src/vm/maps/create.ts";
import type { VmMap } from "../../src/vm/maps/map.ts";
import { runSkb, runXdp } from "../../src/vm/run.ts";
import { Probe, probeMap, probeModule } from "./probe.ts";

/** A frame that comes in. */
export interface Arrival {
  readonly port: number;
  readonly ticks: bigint;
  readonly frame: Uint8Array;
  /** The tag that the device took out of the frame (TCX only), with its protocol: see `tagNumber`. */
  readonly tag: number | undefined;
}

/** What a function decided, and the frame as it would be on the wire, with the tag beside it in its place. */
export type Decision = { readonly frame: Uint8Array } & (
  | { readonly kind: "forward"; readonly port: number }
  | { readonly kind: "flood"; readonly group: number; readonly tagControl: number }
  | { readonly kind: "drop"; readonly reason: number }
  /** The number of the reason. */
  | { readonly kind: "punt"; readonly reason: number }
  | { readonly kind: "other" }
);

/** A specialised module, and the contents that the host side gives its maps; the others hold state. */
export interface Subject {
  readonly module: Module;
  readonly tables: Readonly<Record<string, TableContents | Uint8Array>>;
}

export interface Witness extends Disposable {
  readonly name: string;
  /** Bytes on the wire of the shortest frame that it can be asked about. */
  readonly shortest: number;
  /** Another configuration: maps that hold state stay. */
  configure(subject: Subject): void;
  run(arrival: Arrival): Decision;
  entries(map: string): readonly (readonly [key: HostValue, value: HostValue])[];
  /** What the host does when it deletes an entry. */
  delete(map: string, key: HostValue): void;
}

export function onWire(frame: Uint8Array, tag: number | undefined): Uint8Array {
  return withTagBeside(frame, tag ?? 0);
}

/** A tag beside a frame as the interpreter has it. */
export function tagBeside(tag: number | undefined): { readonly vlanTag?: number; readonly vlanProtocol?: number } {
  return tag === undefined ? {} : { vlanTag: tag & 0xffff, vlanProtocol: tag >>> 16 };
}

/** A tag beside the frame that came out of the interpreter. */
export function tagOf({ vlanTag, vlanProtocol = tagProtocols.customer }: ReturnType<typeof tagBeside>) {
  return vlanTag === undefined ? undefined : tagNumber(vlanTag, vlanProtocol);
}

/** The world around a function, as the machine has it; of it the interpreter sees the routing. */
export type Surroundings = Pick<EnvironmentOptions, "routes" | "devices">;

function routingOf({ routes = [], devices }: Surroundings): NonNullable<InterpretInput["fibLookup"]> {
  return (lookup, request) => fibLookup({ routes, device: (index) => devices?.get(index) }, lookup, request);
}

interface Store {
  update(key: Uint8Array, value: Uint8Array): unknown;
  delete(key: Uint8Array): unknown;
  entries(): Iterable<readonly [Uint8Array, Uint8Array]>;
}

/** The maps of a subject, of whatever kind: state stays, tables are new for each configuration. */
export class Stores<Map extends object> {
  readonly #make: (map: MapDeclaration, module: Module) => Map;
  readonly #view: (map: Map) => Store;
  readonly #drop: (map: Map) => void;
  #maps = new Map<string, { readonly map: Map; readonly declaration: MapDeclaration; readonly state: boolean }>();

  constructor(make: (map: MapDeclaration, module: Module) => Map, view: (map: Map) => Store, drop: (map: Map) => void) {
    this.#make = make;
    this.#view = view;
    this.#drop = drop;
  }

  configure(module: Module, tables: Subject["tables"]): void {
    for (const declaration of module.maps) {
      const { name } = declaration;
      const old = this.#maps.get(name);
      if (old?.state) continue;
      if (old) this.#drop(old.map);
      const map = this.#make(declaration, module);
      this.#maps.set(name, { map, declaration, state: !(name in tables) && !declaration.rules });
      if (!(name in tables)) continue;
      const [keys, values] = [new Codec(declaration.key!), new Codec(declaration.value!)];
      const contents = tables[name] ?? [];
      if (contents instanceof Uint8Array) {
        for (let index = 0; (index + 1) * values.size <= contents.length; index++)
          this.#view(map).update(keys.encode(index), contents.slice(index * values.size, (index + 1) * values.size));
        continue;
      }
      for (const [key, value] of contents) this.#view(map).update(keys.encode(key, name), values.encode(value, name));
    }
  }

  get byName(): Readonly<Record<string, Map>> {
    return Object.fromEntries([...this.#maps].map(([name, { map }]) => [name, map]));
  }

  entries(name: string): readonly (readonly [HostValue, HostValue])[] {
    const { map, declaration } = this.#maps.get(name)!;
    const [keys, values] = [new Codec(declaration.key!), new Codec(declaration.value!)];
    return [...this.#view(map).entries()].map(([key, value]) => [keys.decode(key), values.decode(value)] as const);
  }

  delete(name: string, key: HostValue): void {
    const { map, declaration } = this.#maps.get(name)!;
    this.#view(map).delete(new Codec(declaration.key!).encode(key, name));
  }

  write(name: string, key: Uint8Array, value: Uint8Array): void {
    this.#view(this.#maps.get(name)!.map).update(key, value);
  }

  clear(): void {
    for (const { map } of this.#maps.values()) this.#drop(map);
    this.#maps.clear();
  }
}

const noTypes = new Map<string, never>();

/** Maps of the interpreter. */
export function interpreterStores(): Stores<ListedStore> {
  return new Stores<ListedStore>(
    (map) => createMapStore(map),
    (store) => ({
      update: (key, value) => store.update(key, value, 0, 0),
      delete: (key) => store.delete(key),
      entries: () => store.entries().map(({ key, values }) => [key, values[0]!] as const),
    }),
    () => undefined,
  );
}

/** Maps of the machine. */
export function machineStores(): Stores<VmMap> {
  return new Stores<VmMap>(
    (map, module) => createMap(mapSpec(module, map, noTypes)),
    (map) => map,
    () => undefined,
  );
}

/** Maps of the kernel. */
export function kernelStores(): Stores<KernelMap> {
  return new Stores<KernelMap>(
    (map, module) => {
      using types = makeMapTypes(module);
      return KernelMap.create(mapSpec(module, map, types.ids), types.object ? { btf: types.object } : {});
    },
    (map) => map,
    (map) => map.close(),
  );
}

/** The first program of a module, for a hook of this kernel. */
export function compileFirst({ module, settings, ranges }: PreparedModule, hook: PipelineHook): CompiledProgram {
  return compileProgram(module, module.programs[0]!, {
    hook: compilerHook(hook),
    ...runningAbilities(),
    optimization: 2,
    settings,
    ...(ranges ? { ranges } : {}),
  });
}

/** A frame through code in the machine, its tag beside it where the hook has it there. */
export function runInMachine(
  code: Code,
  hook: PipelineHook,
  { frame, tag }: Pick<Arrival, "frame" | "tag">,
  surroundings: Surroundings = {},
): Uint8Array {
  if (hook === "xdp") return runXdp(code, frame, surroundings).packet;
  const fields = tag === undefined ? {} : { vlan_present: 1, vlan_tci: tag & 0xffff, vlan_proto: swapped(tag >>> 16) };
  return runSkb(code, frame, { ...surroundings, fields }).packet;
}

/** A number of 16 bits in the other order. */
function swapped(value: number): number {
  return ((value & 0xff) << 8) | (value >> 8);
}

/** bpf_prog_test_run_skb wants a whole network header of the type that the frame says (net/bpf/test_run.c). */
export function shortestInKernel(hook: PipelineHook): number {
  return hook === "xdp" ? 14 : 60;
}

export class InterpreterWitness implements Witness {
  readonly name = "interpreter";
  readonly shortest = 14;
  readonly #hook: PipelineHook;
  readonly #stores = interpreterStores();
  readonly #routing: NonNullable<InterpretInput["fibLookup"]>;
  #module: Module | undefined;

  constructor(hook: PipelineHook, surroundings: Surroundings = {}) {
    this.#hook = hook;
    this.#routing = routingOf(surroundings);
  }

  configure({ module, tables }: Subject): void {
    this.#module = module;
    this.#stores.configure(module, tables);
  }

  run({ port, ticks, frame, tag }: Arrival): Decision {
    const module = this.#module!;
    const { byName } = this.#stores;
    const result = interpret(module.programs[0]!, module, {
      hook: this.#hook === "xdp" ? "xdp" : "tcx-ingress",
      packet: frame,
      maps: module.maps.map((map) => byName[map.name]!),
      port,
      clock: () => ticks * 1_000_000n,
      fibLookup: this.#routing,
      ...tagBeside(tag),
    });
    const { verdict } = result;
    const out = { frame: onWire(result.packet!, tagOf(result)) };
    if (verdict?.name === "forward") return { ...out, kind: "forward", port: verdict.port! };
    if (verdict?.name === "flood")
      return { ...out, kind: "flood", group: verdict.group!, tagControl: verdict.tagControl! };
    if (verdict?.name === "punt") return { ...out, kind: "punt", reason: verdict.reason! };
    return verdict?.name === "drop" ? { ...out, kind: "drop", reason: verdict.reason ?? 0 } : { ...out, kind: "other" };
  }

  entries(map: string) {
    return this.#stores.entries(map);
  }

  delete(map: string, key: HostValue): void {
    this.#stores.delete(map, key);
  }

  [Symbol.dispose](): void {}
}

const probeCodec = new Codec<Readonly<Record<string, number | bigint>>>(Probe);
const firstKey = new Uint8Array(4);

/** Witnesses that run code: the verdict comes back in the probe's map. */
abstract class CodeWitness<Map extends object, Loaded> implements Witness {
  abstract readonly name: string;
  abstract readonly shortest: number;
  protected readonly hook: PipelineHook;
  protected abstract readonly stores: Stores<Map>;
  protected loaded: Loaded | undefined;

  constructor(hook: PipelineHook) {
    this.hook = hook;
  }

  protected abstract load(program: CompiledProgram): Loaded;
  protected abstract execute(arrival: Arrival): Uint8Array;

  /** The tag that the program is to put beside the frame before it begins; 0: none. */
  protected besideByProgram(_: Arrival): number {
    return 0;
  }

  configure({ module, tables }: Subject): void {
    const probe = prepareModule(probeModule(module));
    this.stores.configure(probe.module, tables);
    this.loaded = this.load(compileFirst(probe, this.hook));
  }

  run(arrival: Arrival): Decision {
    const { ticks, port } = arrival;
    const question = { ticks, port, kind: 99, argument: 0, tag: 0, beside: this.besideByProgram(arrival) };
    this.stores.write(probeMap, firstKey, probeCodec.encode(question));
    const packet = this.execute(arrival);
    const [[, answer] = []] = this.stores.entries(probeMap);
    const { kind, argument, tag } = answer as Readonly<Record<"kind" | "argument" | "tag", number>>;
    const frame = onWire(packet, tag);
    if (kind === verdictKinds.forward) return { frame, kind: "forward", port: argument };
    if (kind === verdictKinds.drop) return { frame, kind: "drop", reason: argument };
    if (kind === verdictKinds.punt) return { frame, kind: "punt", reason: argument };
    if (kind !== verdictKinds.flood) return { frame, kind: "other" };
    return { frame, kind: "flood", group: argument >>> 16, tagControl: argument & 0xffff };
  }

  entries(map: string) {
    return this.stores.entries(map);
  }

  delete(map: string, key: HostValue): void {
    this.stores.delete(map, key);
  }

  [Symbol.dispose](): void {
    this.stores.clear();
  }
}

export class MachineWitness extends CodeWitness<VmMap, Code> {
  readonly name = "machine";
  readonly shortest = 14;
  protected readonly stores = machineStores();
  readonly #surroundings: Surroundings;

  constructor(hook: PipelineHook, surroundings: Surroundings = {}) {
    super(hook);
    this.#surroundings = surroundings;
  }

  protected load(program: CompiledProgram): Code {
    return link(program, this.stores.byName);
  }

  protected execute(arrival: Arrival): Uint8Array {
    return runInMachine(this.loaded!, this.hook, arrival, this.#surroundings);
  }
}

/** Test runs do not take tags beside the frame: those are inside, and the program takes them out first. */
export class KernelWitness extends CodeWitness<KernelMap, KernelProgram> {
  readonly name = "kernel";
  readonly shortest: number;
  protected readonly stores = kernelStores();

  constructor(hook: PipelineHook) {
    super(hook);
    this.shortest = shortestInKernel(hook);
  }

  protected load(program: CompiledProgram): KernelProgram {
    this.loaded?.close();
    return KernelProgram.load(programSpec(program, runningKernelTypes), { maps: this.stores.byName });
  }

  protected override besideByProgram({ tag }: Arrival): number {
    return tag ?? 0;
  }

  protected execute({ frame, tag }: Arrival): Uint8Array {
    return this.loaded!.testRun({ packet: onWire(frame, tag) }).packet;
  }

  override [Symbol.dispose](): void {
    this.loaded?.close();
    super[Symbol.dispose]();
  }
}
