import { isDeepStrictEqual } from "node:util";
import type { DataPath } from "../datapath/data-path.ts";
import { EventSource } from "../events.ts";
import type { JsonObject, LiveWriter } from "../host/host-side.ts";
import { tableDeclarations, tableNames } from "../pipeline/tables.ts";
import { withTagBeside } from "../pipeline/tag-beside.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import { DeviceSockets } from "./device-sockets.ts";
import type { HiddenPairs } from "./hidden-pairs.ts";
import { type HostHealth, SupervisedHost, type Tell } from "./host-health.ts";
import type { InstanceMaps } from "./instance-maps.ts";
import type { NumberedInstance } from "./model.ts";
import type { Prepared } from "./prepare.ts";
import { RunningHost } from "./running-host.ts";

/** What a host side reports, with the instance that it is of. */
export interface HostReport {
  readonly instance: string;
  readonly time: number;
  readonly event: JsonObject & { readonly kind: string };
}

export interface HostRuntimeOptions {
  report(report: HostReport): void;
  /**
   * Something of a host side failed; it and the others go on. Told every few seconds at most for an instance: `untold`
   * is how often it happened in between.
   */
  failed(instance: string, error: unknown, untold?: number): void;
  /** A host side runs that could not be started before. */
  recovered?(instance: string): void;
  /** What keeps the live contents of an instance. */
  writerOf?(instance: NumberedInstance): LiveWriter | undefined;
}

/** What becomes of a host side that does not start, or does not take its new configuration. */
export type OnHostFailure = "throw" | "retry";

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
  readonly #hosts = new Map<string, SupervisedHost>();
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

  /**
   * Brings the host sides to a revision that is live.
   *
   * @param onFailure of those that are new or have changed: "throw" leaves it to the caller to go back to a revision
   * whose host sides run, "retry" starts them again in a while.
   * @throws E_HOST_SIDE
   */
  follow(prepared: Prepared, maps: ReadonlyMap<string, InstanceMaps>, onFailure: OnHostFailure): void {
    const { instances } = prepared.numbered;
    this.#state = { prepared, maps };
    this.#sockets.reset();
    for (const instance of instances.values()) this.#bring(instance, onFailure);
    for (const [name, host] of this.#hosts) {
      if (instances.has(name)) continue;
      this.#hosts.delete(name);
      host.stop();
    }
    if (this.#hosts.size > 0) void this.#readPunts();
  }

  /** Stops all host sides: no revision is live. */
  stopAll(): void {
    for (const host of this.#hosts.values()) host.stop();
    this.#hosts.clear();
    this.#state = undefined;
  }

  /** How the host sides fare, by instance. */
  health(): ReadonlyMap<string, HostHealth> {
    return new Map([...this.#hosts].map(([name, host]) => [name, host.health]));
  }

  #bring(instance: NumberedInstance, onFailure: OnHostFailure): void {
    const { name } = instance.model;
    const known = this.#hosts.get(name);
    const isSame = known?.fingerprint === instance.model.function.fingerprint;
    if (isSame && known.isFailed && isDeepStrictEqual(known.instance.view, instance.view)) {
      known.instance = instance;
      return;
    }
    if (!isSame) {
      this.#hosts.delete(name);
      known?.stop();
      if (!instance.model.function.host.start) return;
    }
    const tell: Tell = (error, untold) => this.#options.failed(name, error, untold);
    const host = isSame ? known : new SupervisedHost(instance, tell);
    host.instance = instance;
    this.#hosts.set(name, host);
    try {
      if (host.host) host.host.update(instance);
      else this.#start(host);
    } catch (error) {
      if (onFailure === "throw") throw error;
      host.failed(error);
      host.startLater(() => this.#startAgain(host));
    }
  }

  #start(host: SupervisedHost): void {
    const { instance } = host;
    const { name } = instance.model;
    const started = new RunningHost(instance, {
      live: this.#options.writerOf?.(instance),
      maps: () => this.#state?.maps.get(name),
      send: (port, frame) => this.#send(name, port, frame),
      inject: (port, frame) => this.#inject(name, port, frame),
      report: (event) => this.#options.report({ instance: name, time: Date.now(), event }),
      failed: (error) => host.failed(error),
    });
    started.start();
    host.host = started;
    host.runs();
  }

  #startAgain(host: SupervisedHost): void {
    try {
      this.#start(host);
    } catch (error) {
      host.failed(error);
      host.startLater(() => this.#startAgain(host));
      return;
    }
    this.#options.recovered?.(host.instance.model.name);
  }

  async #readPunts(): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    for await (const punt of this.#punts.stream({ whenFull: "drop-newest" })) {
      const instance = this.#instanceOf(punt.instance);
      const host = instance && this.#hosts.get(instance.model.name)?.host;
      if (!host) continue;
      const reasons = instance.node.module.interface?.puntReasons ?? [];
      const reason = reasons[punt.reason]?.name ?? String(punt.reason);
      const { port } = punt;
      const packet = withTagBeside(punt.packet, punt.tag);
      const length = punt.length + packet.length - punt.packet.length;
      host.punt({ reason, port, length, packet });
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
