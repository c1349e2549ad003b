import { isDeepStrictEqual } from "node:util";
import { inside, NetworkNamespace } from "../../kernel/namespaces.ts";
import { hostFailure } from "../catalogue/host-failure.ts";
import type {
  HostContext,
  HostProcess,
  InstanceView,
  JsonObject,
  LiveWriter,
  PuntedPacket,
} from "../host/host-side.ts";
import { hostMap } from "../host-maps.ts";
import type { AnyMap } from "../host-types.ts";
import type { InstanceMaps } from "./instance-maps.ts";
import type { NumberedInstance } from "./model.ts";

/** What the host side of an instance works with. */
export interface HostServices {
  readonly live: LiveWriter | undefined;
  maps(): InstanceMaps | undefined;
  send(port: number, frame: Uint8Array): boolean;
  inject(port: number, frame: Uint8Array): boolean;
  report(event: JsonObject & { readonly kind: string }): void;
  /** Something that it does in the course of time failed. */
  failed(error: unknown): void;
}

/** The host side of one instance. */
export class RunningHost {
  readonly #services: HostServices;
  readonly #timers: NodeJS.Timeout[] = [];
  readonly #maps = new Map<string, { readonly pin: string; readonly map: AnyMap }>();
  #instance: NumberedInstance;
  #process: HostProcess | undefined;

  constructor(instance: NumberedInstance, services: HostServices) {
    this.#instance = instance;
    this.#services = services;
  }

  /** @throws E_HOST_SIDE; then nothing of it goes on */
  start(): void {
    try {
      const process = this.#instance.model.function.host.start?.(this.#context());
      if (isPromise(process)) {
        process.then(undefined, (error: unknown) => this.#services.failed(error));
        throw new TypeError("it gave a promise; it is to give what runs, at once");
      }
      this.#process = process;
    } catch (error) {
      this.stop();
      throw failureOf(this.#instance, "did not start", error);
    }
  }

  /** @throws E_HOST_SIDE */
  update(instance: NumberedInstance): void {
    const before = this.#instance.view;
    this.#instance = instance;
    if (isDeepStrictEqual(instance.view, before)) return;
    try {
      this.#follow(this.#process?.update?.(instance.view));
    } catch (error) {
      throw failureOf(instance, "did not take its new configuration", error);
    }
  }

  punt(packet: PuntedPacket): void {
    this.#guard(() => this.#process?.punt?.(packet));
  }

  stop(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer);
    const process = this.#process;
    this.#process = undefined;
    this.#guard(() => process?.stop?.());
  }

  #guard(run: () => unknown): void {
    try {
      this.#follow(run());
    } catch (error) {
      this.#services.failed(error);
    }
  }

  /** What an asynchronous part of a host side fails with later would end this process otherwise. */
  #follow(result: unknown): void {
    if (isPromise(result)) result.then(undefined, (error: unknown) => this.#services.failed(error));
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
      every: (milliseconds, run) => {
        const timer = setInterval(() => this.#guard(run), milliseconds);
        timer.unref();
        this.#timers.push(timer);
      },
      inNamespace: (name, run) => {
        using namespace = name === undefined ? undefined : NetworkNamespace.open(name);
        return inside(namespace, run);
      },
    };
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

function failureOf({ model }: NumberedInstance, what: string, cause: unknown): Error {
  const { kind, hostFile } = model.function;
  return hostFailure(hostFile ?? kind, `the host side of "${model.name}" (${kind}) ${what}`, cause);
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as Partial<PromiseLike<unknown>> | undefined)?.then === "function";
}
