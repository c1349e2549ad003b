import { parseFilter } from "../../capture/filter.ts";
import { IovisorError } from "../../errors.ts";
import type { RecordStream } from "../../kernel/ringbuf.ts";
import { reasonsOf } from "../pipeline/reasons.ts";
import { withTagBeside } from "../pipeline/tag-beside.ts";
import { type TapEvent, tapEvents } from "../pipeline/taps.ts";
import type { NumberedInstance } from "./model.ts";
import type { Prepared } from "./prepare.ts";
import type { OpenTap, TappedPort, TapRecord, TapRequest } from "./taps.ts";

export interface ObserveRequest {
  /** Ports to look at; left out: packets are followed through all functions from where the filter lets them through. */
  readonly ports?: readonly TappedPort[];
  /** Such as "ip 10.0.0.1 tcp 443": see `parseFilter`. */
  readonly filter?: string;
  /** Bytes of each packet at most, 1 to 16384; 2048 when left out. */
  readonly snapBytes?: number;
  /** Of the ring between kernel and process, a power of two from 64 KiB; 4 MiB when left out. */
  readonly bufferBytes?: number;
}

/** What became of a packet, or that it came in. */
export type Outcome =
  | { readonly kind: "in" }
  /** Out of a port. Where it leads to another function the packet goes on. */
  | { readonly kind: "out"; readonly port: string; readonly to: "device" | "host" | "function" | "nothing" }
  | { readonly kind: "host" }
  | { readonly kind: "flood"; readonly group: number; readonly ports: readonly FloodedPort[] }
  | { readonly kind: "punt"; readonly reason: string }
  | { readonly kind: "drop"; readonly reason: string; readonly description: string };

export interface FloodedPort {
  readonly port: string;
  /** Tag control information that the copy has. */
  readonly tag: number | undefined;
}

/** A packet at a function. */
export interface ObservedPacket {
  /** Equal for all that is told of one packet; 0 where only its end was looked at. */
  readonly id: bigint;
  /** Nanoseconds since 1970. */
  readonly timestamp: bigint;
  readonly instance: string;
  /** The port that it came in on. */
  readonly port: string;
  readonly outcome: Outcome;
  /** The packet as it was then, its VLAN tag included; its beginning where it is longer than was asked for. */
  readonly bytes: Uint8Array;
  readonly length: number;
}

const mostSnapBytes = 16384;
const usualSnapBytes = 2048;
const usualRingBytes = 4 << 20;
const leastRingBytes = 1 << 16;
const mostRingBytes = 1 << 30;

/** @throws E_USAGE for what the revision does not have, or a filter or number that does not fit */
export function readRequest(request: ObserveRequest, { numbered }: Prepared): Omit<TapRequest, "number"> {
  const { ports, filter, snapBytes = usualSnapBytes, bufferBytes = usualRingBytes } = request;
  for (const { instance, port } of ports ?? []) checkPort(numbered.instances.get(instance), instance, port);
  if (!Number.isInteger(snapBytes) || snapBytes < 1 || snapBytes > mostSnapBytes) {
    throw new IovisorError("E_USAGE", `${snapBytes} bytes of a packet cannot be had`, `take 1 to ${mostSnapBytes}`);
  }
  const power = Number.isInteger(Math.log2(bufferBytes));
  if (!power || bufferBytes < leastRingBytes || bufferBytes > mostRingBytes) {
    const remedy = "take a power of two from 64 KiB to 1 GiB";
    throw new IovisorError("E_USAGE", `a buffer cannot have ${bufferBytes} bytes`, remedy);
  }
  const parsed = filter === undefined || filter.trim() === "" ? undefined : parseFilter(filter);
  return { ports, filter: parsed, snapBytes, ringBytes: bufferBytes };
}

function checkPort(found: NumberedInstance | undefined, instance: string, port: string | undefined): void {
  if (!found) throw new IovisorError("E_USAGE", `the graph has no instance "${instance}"`, "`iovisor get instances`");
  if (port === undefined || found.view.ports.some(({ name }) => name === port)) return;
  const names = found.view.ports.map(({ name }) => name).join(", ");
  throw new IovisorError("E_USAGE", `"${instance}" has no port "${port}"`, `its ports are ${names || "none"}`);
}

/**
 * Packets as they pass the functions of a graph. Whoever iterates gets them in the order in which the kernel met them
 * (on one processor). Disposing of it, or ending the iteration, takes the looking out of the programs again.
 */
export class Observation implements AsyncIterableIterator<ObservedPacket>, AsyncDisposable {
  readonly #tap: OpenTap;
  readonly #stream: RecordStream<TapRecord>;
  readonly #revision: () => Prepared | undefined;
  readonly #end: () => Promise<void>;
  /** From the monotonic clock to the time of day. */
  readonly #epoch = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
  readonly #known = new Map<number, NumberedInstance>();
  #knownOf: Prepared | undefined;
  #ended: Promise<void> | undefined;
  #lost = 0n;
  /** What was in the ring at the end. */
  readonly #rest: TapRecord[] = [];

  /** @param end takes the tap out of the programs; then it is closed here. */
  constructor(tap: OpenTap, revision: () => Prepared | undefined, end: () => Promise<void>) {
    this.#tap = tap;
    this.#stream = tap.events.stream();
    this.#revision = revision;
    this.#end = end;
  }

  /** Records that were lost because nobody read them in time. */
  get lost(): bigint {
    return this.#ended ? this.#lost : this.#tap.lost;
  }

  async next(): Promise<IteratorResult<ObservedPacket>> {
    const { done, value } = await this.#stream.next();
    const record = done ? this.#rest.shift() : value;
    return record ? { done: false, value: this.#observed(record) } : { done: true, value: undefined };
  }

  /** No more packets are looked at; those that were are still given. */
  stop(): Promise<void> {
    this.#ended ??= this.#stop();
    return this.#ended;
  }

  async #stop(): Promise<void> {
    try {
      await this.#end();
    } finally {
      this.#lost = this.#tap.lost;
      this.#stream.close();
      const { decode, ring } = this.#tap.events;
      ring.drain((view, offset, length) => this.#rest.push(decode(view, offset, length)));
      this.#tap[Symbol.dispose]();
    }
  }

  async return(): Promise<IteratorResult<ObservedPacket>> {
    await this.stop();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #observed(record: TapRecord): ObservedPacket {
    const instance = this.#instance(record.instance);
    const bytes = withTagBeside(record.packet, record.tag);
    return {
      id: record.id,
      timestamp: record.time + this.#epoch,
      instance: instance?.model.name ?? `#${record.instance}`,
      port: portName(instance, record.port),
      outcome: outcomeOf(record, instance),
      bytes,
      length: record.length + bytes.length - record.packet.length,
    };
  }

  /** Instances that are gone meanwhile keep their names here. */
  #instance(id: number): NumberedInstance | undefined {
    const revision = this.#revision();
    if (revision && revision !== this.#knownOf) {
      for (const instance of revision.numbered.instances.values()) this.#known.set(instance.identity.id, instance);
      this.#knownOf = revision;
    }
    return this.#known.get(id);
  }
}

const events = Object.fromEntries(Object.entries(tapEvents).map(([name, number]) => [number, name as TapEvent]));

function outcomeOf({ event, argument, port }: TapRecord, instance: NumberedInstance | undefined): Outcome {
  const kind = events[event] ?? "in";
  switch (kind) {
    case "in":
    case "host":
      return { kind };
    case "out": {
      const peer = instance?.node.peers[argument];
      const to = peer === undefined ? "nothing" : peer.kind === "port" ? "function" : peer.kind;
      return { kind, port: portName(instance, argument), to };
    }
    case "flood":
      return { kind, group: argument >>> 16, ports: floodedPorts(instance, port, argument) };
    case "punt":
      return { kind, reason: instance?.node.module.interface?.puntReasons[argument]?.name ?? String(argument) };
    case "drop": {
      const found = instance && reasonsOf(instance.node.module)[argument];
      return { kind, reason: found?.name ?? String(argument), description: found?.description ?? "" };
    }
  }
}

function floodedPorts(instance: NumberedInstance | undefined, own: number, argument: number): readonly FloodedPort[] {
  const group = instance?.floodGroups.find((one) => one.group === argument >>> 16);
  return (group?.members ?? [])
    .filter(({ port }) => port !== own)
    .map(({ port, tagged }) => ({ port: portName(instance, port), tag: tagged ? argument & 0xffff : undefined }));
}

function portName(instance: NumberedInstance | undefined, number: number): string {
  return instance?.node.ports[number] ?? `#${number}`;
}
