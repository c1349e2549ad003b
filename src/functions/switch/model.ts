/**
 * What the switch does, in plain TypeScript, for tests: written from IEEE 802.1Q (clauses 6.9, 8.6 and 8.7) and the
 * README, on frames as they are on the wire. It shares nothing with the kernel module or its host side.
 */
import type { InstancePort, InstanceView, Json, JsonObject } from "../../engine/host/host-side.ts";

/** What became of a frame: copies by the number of the port that they leave by, or why it was dropped. */
export type ModelOutcome =
  | { readonly kind: "dropped"; readonly reason: string }
  | { readonly kind: "sent"; readonly flooded: boolean; readonly copies: ReadonlyMap<number, Uint8Array> };

/** A station that was learned. */
export interface ModelStation {
  readonly mac: string;
  readonly vlan: number;
  /** The port's number and name: another port that gets the number is not it. */
  readonly port: string;
  /** Tick, kept to within a second. */
  readonly seen: bigint;
  readonly moves: number;
}

interface Bucket {
  /** In packets times ticks per second. */
  level: bigint;
  filled: bigint;
}

interface Frame {
  readonly destination: string;
  readonly source: string;
  /** Control information of the customer tag. */
  readonly tag: number | undefined;
  /** Whether there is another tag of either kind behind it. */
  readonly nested: boolean;
  /** Both addresses, and what follows them or the tag. */
  readonly addresses: Uint8Array;
  readonly rest: Uint8Array;
}

class Dropped extends Error {
  readonly reason: string;

  constructor(reason: string) {
    super(reason);
    this.reason = reason;
  }
}

export class SwitchModel {
  readonly stations = new Map<string, ModelStation>();
  readonly #buckets = new Map<string, Bucket>();
  readonly #perSecond: bigint;
  #view: InstanceView;

  constructor(view: InstanceView, ticksPerSecond: number) {
    this.#view = view;
    this.#perSecond = BigInt(ticksPerSecond);
  }

  /** The configuration changes; what was learned stays. */
  configure(view: InstanceView): void {
    this.#view = view;
  }

  receive(number: number, bytes: Uint8Array, now: bigint): ModelOutcome {
    try {
      const port = this.#view.ports.find((one) => one.number === number);
      if (!port) throw new Dropped("noPort");
      return this.#bridge(port, parseFrame(bytes), now);
    } catch (error) {
      if (error instanceof Dropped) return { kind: "dropped", reason: error.reason };
      throw error;
    }
  }

  #bridge(port: InstancePort, frame: Frame, now: bigint): ModelOutcome {
    const vlan = classify(port.config, frame);
    if (isGroup(frame.source) || frame.source === "00:00:00:00:00:00") throw new Dropped("badSource");
    this.#learn(port, frame.source, vlan, now);
    if (isGroup(frame.destination)) return this.#toGroup(port, frame, vlan, now);
    const fixed = this.#static(frame.destination, vlan);
    if (fixed?.["blackhole"] === true) throw new Dropped("blackhole");
    const known = fixed ? this.#portNamed(fixed["port"]) : this.#learnedPort(frame.destination, vlan, now);
    if (!known) return this.#flood(port, frame, vlan, "unknown", now);
    if (known === port) throw new Dropped("samePort");
    if (!isMember(known.config, vlan)) throw new Dropped("egressVlan");
    return { kind: "sent", flooded: false, copies: new Map([[known.number, transmitted(known.config, frame, vlan)]]) };
  }

  #learn(port: InstancePort, mac: string, vlan: number, now: bigint): void {
    const fixed = this.#static(mac, vlan);
    if (fixed?.["blackhole"] === true) throw new Dropped("blackhole");
    if (fixed || this.#ageing === 0n) return;
    const key = `${mac}/${vlan}`;
    const known = this.stations.get(key);
    const name = portKey(port);
    if (!known || now - known.seen >= this.#ageing * this.#perSecond)
      this.stations.set(key, { mac, vlan, port: name, seen: now, moves: 0 });
    else if (known.port !== name) this.stations.set(key, { ...known, port: name, seen: now, moves: known.moves + 1 });
    else if (now - known.seen >= this.#perSecond) this.stations.set(key, { ...known, seen: now });
  }

  #learnedPort(mac: string, vlan: number, now: bigint): InstancePort | undefined {
    const known = this.stations.get(`${mac}/${vlan}`);
    if (!known || now - known.seen >= this.#ageing * this.#perSecond) return undefined;
    return this.#view.ports.find((port) => portKey(port) === known.port);
  }

  #toGroup(port: InstancePort, frame: Frame, vlan: number, now: bigint): ModelOutcome {
    if (frame.destination === "ff:ff:ff:ff:ff:ff") return this.#flood(port, frame, vlan, "broadcast", now);
    const reserved = /^01:80:c2:00:00:0(?<last>[0-9a-f])$/.exec(frame.destination)?.groups?.["last"];
    const forwarded: readonly string[] = list(this.#view.config["linkLocal"]).map(
      (name) => linkLocal[name as keyof typeof linkLocal],
    );
    if (reserved !== undefined && !forwarded.includes(reserved)) throw new Dropped("linkLocal");
    return this.#flood(port, frame, vlan, "multicast", now);
  }

  #flood(port: InstancePort, frame: Frame, vlan: number, traffic: Traffic, now: bigint): ModelOutcome {
    if (!this.#take(port, traffic, now)) throw new Dropped(stormReasons[traffic]);
    const others = this.#view.ports.filter((one) => one !== port && one.linked && isMember(one.config, vlan));
    const copies = others.map(({ number, config }) => [number, transmitted(config, frame, vlan)] as const);
    return { kind: "sent", flooded: true, copies: new Map(copies) };
  }

  /** A bucket of as many packets as the rate, which fills within a second. */
  #take(port: InstancePort, traffic: Traffic, now: bigint): boolean {
    const storm = port.config["storm"] as JsonObject | undefined;
    const rate = storm?.[traffic];
    if (typeof rate !== "number") return true;
    const full = BigInt(rate) * this.#perSecond;
    const key = `${port.number} ${traffic}`;
    const bucket = this.#buckets.get(key) ?? { level: full, filled: now };
    this.#buckets.set(key, bucket);
    const filled = bucket.level + (now - bucket.filled) * BigInt(rate);
    if (now > bucket.filled) bucket.level = filled < full ? filled : full;
    bucket.filled = now;
    if (bucket.level < this.#perSecond) return false;
    bucket.level -= this.#perSecond;
    return true;
  }

  get #ageing(): bigint {
    return BigInt((this.#view.config["ageing"] as number | undefined) ?? 300);
  }

  #static(mac: string, vlan: number): JsonObject | undefined {
    const entries = (this.#view.config["static"] ?? []) as readonly JsonObject[];
    return entries.find((entry) => entry["mac"] === mac && (entry["vlan"] ?? 1) === vlan);
  }

  #portNamed(name: Json | undefined): InstancePort {
    return this.#view.ports.find((port) => port.name === name)!;
  }
}

type Traffic = "broadcast" | "multicast" | "unknown";
const stormReasons = { broadcast: "stormBroadcast", multicast: "stormMulticast", unknown: "stormUnknown" } as const;
const linkLocal = { stp: "0", lacp: "2", eapol: "3", lldp: "e" } as const;

export function portKey({ number, name }: Pick<InstancePort, "number" | "name">): string {
  return `${number} ${name}`;
}

function list(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

function isGroup(mac: string): boolean {
  return (Number.parseInt(mac.slice(0, 2), 16) & 1) === 1;
}

function macAt(bytes: Uint8Array, offset: number): string {
  return Array.from(bytes.subarray(offset, offset + 6), (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** A customer bridge knows customer tags alone: a service tag, and what is behind the first tag, is payload. */
function parseFrame(bytes: Uint8Array): Frame {
  if (bytes.length < 14) throw new Dropped("tooShort");
  const [destination, source, addresses] = [macAt(bytes, 0), macAt(bytes, 6), bytes.subarray(0, 12)];
  const type = (bytes[12]! << 8) | bytes[13]!;
  if (type !== 0x8100)
    return { destination, source, tag: undefined, nested: false, addresses, rest: bytes.subarray(12) };
  if (bytes.length < 18) throw new Dropped("tooShort");
  const inner = (bytes[16]! << 8) | bytes[17]!;
  const [tag, nested] = [(bytes[14]! << 8) | bytes[15]!, inner === 0x8100 || inner === 0x88a8];
  return { destination, source, tag, nested, addresses, rest: bytes.subarray(16) };
}

/**
 * The VLAN of a frame that comes in: clause 6.9. Ingress filtering is always on: clause 8.6.2. A second tag from an
 * access port would show at a port where the first one is taken off.
 */
function classify(port: JsonObject, { tag, nested }: Frame): number {
  if (nested && port["mode"] !== "trunk") throw new Dropped("nestedTag");
  const id = (tag ?? 0) & 0xfff;
  if (id === 0xfff) throw new Dropped("badVlan");
  if (id === 0 && untagged(port) === undefined) throw new Dropped("untagged");
  if (id !== 0 && !isMember(port, id)) throw new Dropped("ingressVlan");
  return id === 0 ? untagged(port)! : id;
}

function untagged(port: JsonObject): number | undefined {
  return (port["mode"] === "trunk" ? port["native"] : (port["vlan"] ?? 1)) as number | undefined;
}

function isMember(port: JsonObject, vlan: number): boolean {
  if (port["mode"] !== "trunk") return untagged(port) === vlan;
  const allowed = (port["allowed"] ?? "all") as string;
  if (allowed === "all") return true;
  return allowed.split(",").some((part) => {
    const [from = 0, to = from] = part.split("-").map(Number);
    return from <= vlan && vlan <= to;
  });
}

/** The frame as it leaves a member of the VLAN: priority and drop eligibility stay while there is a tag. */
function transmitted(port: JsonObject, { addresses, tag, rest }: Frame, vlan: number): Uint8Array {
  if (untagged(port) === vlan) return Uint8Array.of(...addresses, ...rest);
  const control = ((tag ?? 0) & 0xf000) | vlan;
  return Uint8Array.of(...addresses, 0x81, 0x00, control >> 8, control & 0xff, ...rest);
}
