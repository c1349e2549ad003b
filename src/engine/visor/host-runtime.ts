import { isDeepStrictEqual } from "node:util";
import { inside, NetworkNamespace } from "../../kernel/namespaces.ts";
import type { DataPath } from "../datapath/data-path.ts";
import { EventSource } from "../events.ts";
import type { HostContext, HostProcess, InstanceView, JsonObject, LiveWriter } from "../host/host-side.ts";
import { hostMap } from "../host-maps.ts";
import type { AnyMap } from "../host-types.ts";
import { tableDeclarations, tableNames } from "../pipeline/tables.ts";
import { withTagBeside } from "../pipeline/tag-beside.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import { DeviceSockets } from "./device-sockets.ts";
import type { HiddenPairs } from "./hidden-pairs.ts";
import type { InstanceMaps } from "./instance-maps.ts";
import type { NumberedInstance } from "./model.ts";
import type { Prepared } from "./prepare.ts";

/** What a host side reports, with the instance that it is of. */
export interface HostReport {
  readonly instance: string;
  readonly time: number;
  readonly event: JsonObject & { readonly kind: string };
}

export interface HostRuntimeOptions {
  report(report: HostReport): void;
  /** Host sides that fail: the others go on. */
  failed(instance: string, error: unknown): void;
  /** What keeps the live contents of an instance. */
  writerOf?(instance: NumberedInstance): LiveWriter | undefined;
}

/** A record of the ring of punts, decoded. */
interface PuntRecord {
  readonly instance: number;
  readonly reason: number;
  readonly port: number;
  readonly tag: number;
  readonly length: number;
  readonly packet: Uint8Array;
}

/** The host sides of the instances of a graph: starts, updates and stops them, and brings them their packets. */
export class HostRuntime implements Disposable {
  readonly #dataPath: DataPath;
  readonly #pairs: HiddenPairs;
  readonly #options: HostRuntimeOptions;
  readonly #sockets = new DeviceSockets();
  readonly #hosts = new Map<string, RunningHost>();
  readonly #punts: EventSource<PuntRecord>;
  #state: HostState | undefined;
  #reading = false;

  constructor(dataPath: DataPath, pairs: HiddenPairs, options: HostRuntimeOptions) {
    this.#dataPath = dataPath;
    this.#pairs = pairs;
    this.#options = options;
    const declaration = tableDeclarations(dataPath.sizes).find((map) => map.name === tableNames.punts)!;
    this.#punts = new EventSource<PuntRecord>(declaration, dataPath.table("punts"));
  }

  /** Brings the host sides to a revision that is live. */
  follow(prepared: Prepared, maps: ReadonlyMap<string, InstanceMaps>): void {
    this.#state = { prepared, maps };
    this.#sockets.reset();
    for (const [name, host] of this.#hosts) {
      const next = prepared.numbered.instances.get(name);
      if (next?.model.function.fingerprint === host.fingerprint) continue;
      this.#guard(name, () => host.stop());
      this.#hosts.delete(name);
    }
    for (const [name, instance] of prepared.numbered.instances) {
      const running = this.#hosts.get(name);
      if (running) this.#guard(name, () => running.update(instance));
      else if (instance.model.function.host.start) this.#start(name, instance);
    }
    if (this.#hosts.size > 0) void this.#readPunts();
  }

  /** Stops all host sides: no revision is live. */
  stopAll(): void {
    for (const [name, host] of this.#hosts) this.#guard(name, () => host.stop());
    this.#hosts.clear();
    this.#state = undefined;
  }

  #start(name: string, instance: NumberedInstance): void {
    const host = new RunningHost(instance, {
      live: this.#options.writerOf?.(instance),
      maps: () => this.#state?.maps.get(name),
      send: (port, frame) => this.#send(name, port, frame),
      inject: (port, frame) => this.#inject(name, port, frame),
      report: (event) => this.#options.report({ instance: name, time: Date.now(), event }),
      failed: (error) => this.#options.failed(name, error),
    });
    this.#hosts.set(name, host);
    this.#guard(name, () => host.start());
  }

  #guard(name: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.#options.failed(name, error);
    }
  }

  async #readPunts(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    for await (const punt of this.#punts.stream({ whenFull: "drop-newest" })) {
      const instance = this.#instanceOf(punt.instance);
      const host = instance && this.#hosts.get(instance.model.name);
      if (!host) continue;
      const reasons = instance.node.module.interface?.puntReasons ?? [];
      const reason = reasons[punt.reason]?.name ?? String(punt.reason);
      const { port } = punt;
      const packet = withTagBeside(punt.packet, punt.tag);
      const length = punt.length + packet.length - punt.packet.length;
      this.#guard(instance.model.name, () => host.process?.punt?.({ reason, port, length, packet }));
    }
  }

  #instanceOf(id: number): NumberedInstance | undefined {
    const instances = this.#state?.prepared.numbered.instances.values() ?? [];
    return [...instances].find((instance) => instance.identity.id === id);
  }

  /** Out of a port: into the device behind it, or in at the function behind it. */
  #send(name: string, port: number, frame: Uint8Array): boolean {
    const { prepared } = this.#state!;
    const instance = prepared.numbered.instances.get(name);
    const peer = instance?.node.peers[port];
    if (peer?.kind === "port") return this.#enter(peer.instance, peer.port, frame);
    if (peer?.kind !== "device") return false;
    const device = prepared.model.devices.find((one) => one.alias === peer.device);
    return device?.found ? this.#sockets.send(device.found, device.netns, frame) : false;
  }

  #inject(name: string, port: number, frame: Uint8Array): boolean {
    return this.#enter(name, port, frame);
  }

  #enter(instance: string, port: number, frame: Uint8Array): boolean {
    const { prepared } = this.#state!;
    for (const hook of ["tcx", "xdp"] satisfies PipelineHook[]) {
      const entry = prepared.entries.find(
        (one) => one.side === "inner" && one.hook === hook && one.instance === instance && one.port === port,
      );
      const pair = this.#pairs.any(hook);
      if (entry && pair) {
        return pair.send(prepared.identities.entries[entry.key]!, this.#dataPath.generation.parity, frame);
      }
    }
    return false;
  }

  [Symbol.dispose](): void {
    this.stopAll();
    this.#punts[Symbol.dispose]();
    this.#sockets[Symbol.dispose]();
  }
}

interface HostState {
  readonly prepared: Prepared;
  readonly maps: ReadonlyMap<string, InstanceMaps>;
}

interface HostServices {
  readonly live: LiveWriter | undefined;
  maps(): InstanceMaps | undefined;
  send(port: number, frame: Uint8Array): boolean;
  inject(port: number, frame: Uint8Array): boolean;
  report(event: JsonObject & { readonly kind: string }): void;
  failed(error: unknown): void;
}

/** The host side of one instance. */
class RunningHost {
  process: HostProcess | undefined;
  #instance: NumberedInstance;
  readonly #services: HostServices;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #maps = new Map<string, { readonly pin: string; readonly map: AnyMap }>();

  constructor(instance: NumberedInstance, services: HostServices) {
    this.#instance = instance;
    this.#services = services;
  }

  get fingerprint(): string {
    return this.#instance.model.function.fingerprint;
  }

  start(): void {
    this.process = this.#instance.model.function.host.start?.(this.#context());
  }

  update(instance: NumberedInstance): void {
    const before = this.#instance.view;
    this.#instance = instance;
    if (isDeepStrictEqual(instance.view, before)) return;
    this.process?.update?.(instance.view);
  }

  stop(): void {
    for (const timer of this.#timers) clearInterval(timer);
    this.process?.stop?.();
  }

  #context(): HostContext {
    const { live, send, inject, report } = this.#services;
    const view = (): InstanceView => this.#instance.view;
    return {
      get instance() {
        return view();
      },
      map: (name) => this.#map(name),
      live,
      send,
      inject,
      report,
      every: (milliseconds, run) => this.#every(milliseconds, run),
      inNamespace: (name, run) => {
        using namespace = name === undefined ? undefined : NetworkNamespace.open(name);
        return inside(namespace, run);
      },
    };
  }

  #every(milliseconds: number, run: () => void): void {
    const timer = setInterval(() => {
      try {
        run();
      } catch (error) {
        this.#services.failed(error);
      }
    }, milliseconds);
    timer.unref();
    this.#timers.push(timer);
  }

  /** A map by name: a new one when the revision made it anew. */
  #map(name: string): AnyMap {
    const found = this.#services.maps()?.get(name);
    if (!found) throw new Error(`"${this.#instance.model.name}" has no map "${name}"`);
    const known = this.#maps.get(name);
    if (known?.pin === found.pin) return known.map;
    const map = hostMap(found.declaration, found.map);
    this.#maps.set(name, { pin: found.pin, map });
    return map;
  }
}
