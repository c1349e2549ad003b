/** What runs composed pipelines: the interpreter, the machine and the kernel. State stays from packet to packet. */
import { interpret, type ListedStore } from "../../src/compiler/hir/interpret.ts";
import type { Module } from "../../src/compiler/hir/tree.ts";
import { Codec, type HostValue } from "../../src/engine/codec.ts";
import { runningKernelTypes } from "../../src/engine/kernel-types.ts";
import { metadataSlots, Scratch, tableNames } from "../../src/engine/pipeline/tables.ts";
import type { PipelineHook } from "../../src/engine/pipeline/topology.ts";
import { type PreparedModule, prepareComposed, programSpec } from "../../src/engine/prepare.ts";
import type { KernelMap } from "../../src/kernel/maps.ts";
import { KernelProgram } from "../../src/kernel/programs.ts";
import type { Code } from "../../src/vm/code.ts";
import { link } from "../../src/vm/link.ts";
import type { VmMap } from "../../src/vm/maps/map.ts";
import { endings, FusedProbe, probeComposed } from "./fused-probe.ts";
import { probeMap } from "./probe.ts";
import {
  type Arrival,
  compileFirst,
  interpreterStores,
  kernelStores,
  machineStores,
  onWire,
  runInMachine,
  type Stores,
  type Subject,
  shortestInKernel,
  tagBeside,
} from "./witness.ts";

/** A pipeline's place and its composed module. */
export interface Placed {
  readonly slot: number;
  readonly module: Module;
}

export interface CopyMade {
  readonly device: number;
  /** On the wire. */
  readonly frame: Uint8Array;
}

/** How it ended, with the frame on the wire. */
export type Ending = { readonly frame: Uint8Array } & (
  | { readonly kind: "device" | "broadcast" | "punt"; readonly argument: number }
  | { readonly kind: "copies"; readonly copies: readonly CopyMade[] }
  | { readonly kind: "dropped" | "toHost" }
);

interface Told {
  readonly ending: number;
  readonly argument: number;
  readonly tag: number;
  readonly count: number;
  readonly copies: readonly {
    readonly device: number;
    readonly tag: number;
    readonly length: number;
    readonly first: number;
    readonly second: number;
  }[];
}

const codecs = {
  probe: new Codec<object>(FusedProbe),
  scratch: new Codec<object>(Scratch),
};
const first = new Uint8Array(4);
const noCopy = { device: 0, tag: 0, length: 0, first: 0, second: 0 };
const mostCalls = 33;

export interface FusedWitness extends Disposable {
  readonly name: string;
  /** Bytes on the wire of the shortest frame that it can be asked about. */
  readonly shortest: number;
  configure(pipelines: readonly Placed[], tables: Subject["tables"]): void;
  /** What an entry does, and all that comes of it in one go. */
  enter(slot: number, arrival: Arrival): Ending;
  /** Packets by the identity of the reason that they were dropped for. */
  drops(): Readonly<Record<number, number>>;
  entries(map: string): readonly (readonly [key: HostValue, value: HostValue])[];
}

abstract class Runner<Map extends object, Loaded> implements FusedWitness {
  abstract readonly name: string;
  readonly shortest: number = 14;
  protected readonly hook: PipelineHook;
  protected abstract readonly stores: Stores<Map>;
  protected readonly tellsCalls: boolean = true;
  protected readonly programs = new globalThis.Map<number, Loaded>();

  constructor(hook: PipelineHook) {
    this.hook = hook;
  }

  protected unload(): void {
    this.programs.clear();
  }

  protected abstract load(prepared: PreparedModule, slot: number): Loaded;
  protected abstract execute(loaded: Loaded, frame: Uint8Array, tag: number | undefined): Uint8Array;

  configure(pipelines: readonly Placed[], tables: Subject["tables"]): void {
    this.unload();
    const prepared = pipelines.map(({ slot, module }) => {
      return { slot, prepared: prepareComposed(probeComposed(module, this.tellsCalls)) };
    });
    const all = prepared.flatMap((one) => one.prepared.module.maps);
    const maps = [...new globalThis.Map(all.map((map) => [map.name, map])).values()];
    this.stores.configure({ ...prepared[0]!.prepared.module, maps }, tables);
    for (const one of prepared) this.programs.set(one.slot, this.load(one.prepared, one.slot));
  }

  enter(slot: number, { port, ticks, frame, tag }: Arrival): Ending {
    const empty = { port, parity: 0, fromHost: 0, unused: 0, metadata: Array(metadataSlots).fill(0n) };
    this.stores.write(tableNames.scratch, first, codecs.scratch.encode(empty));
    let [at, before]: [number, Pick<Arrival, "frame" | "tag">] = [slot, { frame, tag }];
    for (let calls = 0; calls < mostCalls; calls++) {
      const question = { ticks, ending: 0, argument: 0, tag: 0, count: 0, copies: Array(64).fill(noCopy) };
      this.stores.write(probeMap, first, codecs.probe.encode(question));
      const after = this.execute(this.programs.get(at)!, before.frame, before.tag);
      const told = this.stores.entries(probeMap)[0]![1] as unknown as Told;
      if (told.ending !== endings.goesOn) return endingOf(told, after);
      [at, before] = [told.argument >> 1, { frame: after, tag: told.tag === 0 ? undefined : told.tag }];
    }
    return { kind: "dropped", frame };
  }

  drops(): Readonly<Record<number, number>> {
    const counts = this.stores.entries(tableNames.drops).map(([key, value]) => {
      return [Number(key), Number((value as unknown as { readonly packets: bigint }).packets)] as const;
    });
    return Object.fromEntries(counts.filter(([, packets]) => packets > 0));
  }

  entries(map: string) {
    return this.stores.entries(map);
  }

  [Symbol.dispose](): void {
    this.unload();
    this.stores.clear();
  }
}

function endingOf(told: Told, after: Uint8Array): Ending {
  const frame = onWire(after, told.tag);
  const { argument } = told;
  switch (told.ending) {
    case endings.device:
      return { kind: "device", argument, frame };
    case endings.broadcast:
      return { kind: "broadcast", argument, frame };
    case endings.punt:
      return { kind: "punt", argument, frame };
    case endings.toHost:
      return { kind: "toHost", frame };
    default: {
      const copies = told.copies.slice(0, told.count).map(({ device, tag, length, first: outer, second: inner }) => {
        const inside = withTags(after, [outer, inner].slice(0, (length - after.length) / 4));
        return { device, frame: onWire(inside, tag) };
      });
      return told.count === 0 ? { kind: "dropped", frame } : { kind: "copies", frame, copies };
    }
  }
}

/** With tags in the frame, the outermost first, which were taken off again later. */
function withTags(frame: Uint8Array, tags: readonly number[]): Uint8Array {
  return tags.reduceRight((inner, tag) => onWire(inner, tag), frame);
}

export class FusedInterpreter extends Runner<ListedStore, Module> {
  readonly name = "interpreter";
  protected readonly stores = interpreterStores();

  protected load({ module }: PreparedModule): Module {
    return module;
  }

  protected execute(module: Module, packet: Uint8Array, tag: number | undefined): Uint8Array {
    const { byName } = this.stores;
    const hook = this.hook === "xdp" ? "xdp" : "tcx-ingress";
    const maps = module.maps.map((map) => byName[map.name]!);
    const beside = tagBeside(tag);
    return interpret(module.programs[0]!, module, { hook, packet, maps, ...beside }).packet!;
  }
}

export class FusedMachine extends Runner<VmMap, Code> {
  readonly name = "machine";
  protected readonly stores = machineStores();

  protected load(prepared: PreparedModule): Code {
    return link(compileFirst(prepared, this.hook), this.stores.byName);
  }

  protected execute(code: Code, frame: Uint8Array, tag: number | undefined): Uint8Array {
    return runInMachine(code, this.hook, { frame, tag });
  }
}

/** Programs call each other by the kernel's own tail calls. */
export class FusedKernel extends Runner<KernelMap, KernelProgram> {
  readonly name = "kernel";
  override readonly shortest: number;
  protected override readonly tellsCalls = false;
  protected readonly stores = kernelStores();

  constructor(hook: PipelineHook) {
    super(hook);
    this.shortest = shortestInKernel(hook);
  }

  protected load(prepared: PreparedModule, slot: number): KernelProgram {
    const program = KernelProgram.load(programSpec(compileFirst(prepared, this.hook), runningKernelTypes), {
      maps: this.stores.byName,
    });
    const key = new Uint8Array(Uint32Array.of(2 * slot).buffer);
    this.stores.byName[tableNames.slots]!.updateDescriptor(key, program);
    return program;
  }

  protected execute(program: KernelProgram, frame: Uint8Array, tag: number | undefined): Uint8Array {
    return program.testRun({ packet: onWire(frame, tag) }).packet;
  }

  protected override unload(): void {
    for (const program of this.programs.values()) program.close();
    super.unload();
  }
}
