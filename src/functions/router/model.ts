/**
 * What a router does with a frame, as the RFCs say it, without regard to speed: the reference that kernel code is held
 * against. Frames are those on the wire without tags.
 */
import { internetChecksum } from "../../capture/checksum.ts";
import { isLinkLocal, isNoHost } from "./addresses.ts";
import type { RouterPort } from "./configuration.ts";
import { concat, viewOf } from "./frames.ts";
import { modelIpv6 } from "./model-ipv6.ts";
import { ModelNeighbours } from "./model-neighbours.ts";
import type { RouteLookup } from "./route-lookup.ts";
import type { NextHop } from "./routes.ts";

export type ModelOutcome =
  | { readonly kind: "forward"; readonly port: number; readonly frame: Uint8Array }
  | { readonly kind: "drop" | "punt"; readonly reason: string };

export interface ModelArrival {
  readonly port: RouterPort;
  readonly frame: Uint8Array;
  readonly ticks: bigint;
}

export interface ModelConfiguration {
  readonly ports: readonly RouterPort[];
  readonly routes: RouteLookup;
  readonly statics: ReadonlyMap<string, Uint8Array>;
  readonly ticksPerSecond: number;
}

export const drop = (reason: string): ModelOutcome => ({ kind: "drop", reason });

export function same(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

export class RouterModel {
  readonly neighbours = new ModelNeighbours();
  readonly #meters = new Map<number, { units: bigint; updated: bigint }>();
  configuration: ModelConfiguration;

  constructor(configuration: ModelConfiguration) {
    this.configuration = configuration;
  }

  handle(arrival: ModelArrival): ModelOutcome {
    const { frame, port } = arrival;
    if (frame.length < 14) return drop("tooShort");
    const isGroup = (frame[0]! & 1) === 1;
    if (!isGroup && !same(frame.subarray(0, 6), port.mac)) return drop("notForRouter");
    switch (viewOf(frame).getUint16(12)) {
      case 0x0800:
        return isGroup ? drop("broadcast") : this.#ipv4(arrival);
      case 0x86dd:
        return modelIpv6(this, arrival, isGroup);
      case 0x0806:
        return this.#arp(arrival);
      case 0x8100:
      case 0x88a8:
        return drop("tagged");
      default:
        return drop("badType");
    }
  }

  /** An ICMP error, while the port has not caused too many: a bucket that a second's worth of them fills. */
  reject({ port, ticks }: ModelArrival, cause: string, reason = cause): ModelOutcome {
    const perSecond = BigInt(this.configuration.ticksPerSecond);
    const full = perSecond * BigInt(port.icmpRate);
    const meter = this.#meters.get(port.number) ?? { units: 0n, updated: 0n };
    this.#meters.set(port.number, meter);
    const earned = (ticks - meter.updated) * BigInt(port.icmpRate);
    if (ticks > meter.updated) {
      meter.units = meter.units + earned < full ? meter.units + earned : full;
      meter.updated = ticks;
    }
    if (meter.units < perSecond) return drop(reason);
    meter.units -= perSecond;
    return { kind: "punt", reason: cause };
  }

  /** Whether the address is the router's own or a host's, on that port. */
  kindOn(port: RouterPort, address: Uint8Array): NextHop["kind"] | undefined {
    if (address.length === 16 && isLinkLocal(address)) return same(address, port.linkLocal) ? "local" : "connected";
    const [hop, other] = this.configuration.routes.find(address)?.hops ?? [];
    return hop && !other && "port" in hop && hop.port === port.number ? hop.kind : undefined;
  }

  /** Out of a port to a neighbour, or why not yet. `packet` is the IP packet as it is to leave. */
  sendTo(
    arrival: ModelArrival,
    hop: { readonly port: number; readonly address: Uint8Array },
    packet: Uint8Array,
  ): ModelOutcome {
    const out = this.configuration.ports.find(({ number }) => number === hop.port)!;
    const known = this.configuration.statics.get(`${hop.port} ${hop.address.join(".")}`);
    const mac = known ?? this.neighbours.use(hop, arrival.ticks, this.configuration.ticksPerSecond);
    if (mac instanceof Uint8Array)
      return {
        kind: "forward",
        port: hop.port,
        frame: concat(mac, out.mac, arrival.frame.subarray(12, 14), packet, arrival.frame.subarray(14 + packet.length)),
      };
    return mac === "unreachable" ? this.reject(arrival, "unreachable") : mac;
  }

  #arp({ frame, port, ticks }: ModelArrival): ModelOutcome {
    if (frame.length < 42) return drop("tooShort");
    const fixed = [...frame.subarray(14, 20)].join(" ") === "0 1 8 0 6 4";
    const operation = viewOf(frame).getUint16(20);
    const senderMac = frame.slice(22, 28);
    if (!fixed || (operation !== 1 && operation !== 2) || (senderMac[0]! & 1) === 1) return drop("badNeighbour");
    const sender = frame.slice(28, 32);
    const target = frame.slice(38, 42);
    const senderKind = this.kindOn(port, sender);
    if (senderKind === "local") return drop("duplicateAddress");
    const isOurs = this.kindOn(port, target) === "local";
    const place = { port: port.number, address: sender };
    const learns = senderKind === "connected" && (isOurs || this.neighbours.has(place));
    const waited = learns && this.neighbours.learn(place, senderMac, "reachable", ticks);
    if (isOurs && operation === 1) {
      const head = concat(senderMac, port.mac, frame.subarray(12, 20), Uint8Array.of(0, 2));
      const reply = concat(head, port.mac, target, senderMac, sender, frame.subarray(42));
      return { kind: "forward", port: port.number, frame: reply };
    }
    if (waited) return { kind: "punt", reason: "resolved" };
    return drop(isOurs ? "absorbed" : "notAsked");
  }

  #ipv4(arrival: ModelArrival): ModelOutcome {
    const ip = arrival.frame.subarray(14);
    if (ip.length < 20) return drop("tooShort");
    const headerLength = (ip[0]! & 15) * 4;
    if (ip[0]! >> 4 !== 4 || headerLength < 20) return drop("badHeader");
    const length = viewOf(ip).getUint16(2);
    if (length < headerLength || length > ip.length) return drop("badLength");
    if (internetChecksum(ip.subarray(0, headerLength)) !== 0) return drop("badChecksum");
    const [source, destination] = [ip.slice(12, 16), ip.slice(16, 20)];
    if (isNoHost(source)) return drop("badSource");
    if (destination.every((byte) => byte === 255)) return drop("broadcast");
    if (destination[0]! >> 4 === 14) return drop("multicast");
    if (isNoHost(destination)) return drop("badDestination");
    return this.#route4(arrival, ip.slice(0, length), headerLength);
  }

  #route4(arrival: ModelArrival, ip: Uint8Array, headerLength: number): ModelOutcome {
    const hop = this.configuration.routes.hopOf(ip);
    if (hop?.kind === "local") return this.#receive4(arrival, ip, headerLength);
    const destination = ip.slice(16, 20);
    if (isLinkLocal(ip.subarray(12, 16)) || isLinkLocal(destination)) return drop("linkLocal");
    if (hop?.kind === "broadcast" || hop?.kind === "blackhole") return drop(hop.kind);
    if (ip[8]! < 2) return this.reject(arrival, "ttlExceeded");
    if (!hop) return this.reject(arrival, "noRoute");
    if (!("port" in hop)) return this.reject(arrival, "prohibited");
    const { mtu } = this.configuration.ports.find(({ number }) => number === hop.port)!;
    const mayNotCut = (ip[6]! & 0x40) !== 0;
    if (ip.length > mtu) return this.reject(arrival, mayNotCut ? "tooBig" : "fragment", "tooBig");
    const address = hop.kind === "gateway" ? hop.via : destination;
    return this.sendTo(arrival, { port: hop.port, address }, withTtl(ip, headerLength, ip[8]! - 1));
  }

  /** Echo requests are answered: RFC 1122, section 3.2.2.6. */
  #receive4({ frame, port }: ModelArrival, ip: Uint8Array, headerLength: number): ModelOutcome {
    if (ip[9] !== 1) return drop("toRouter");
    if ((viewOf(ip).getUint16(6) & 0x3fff) !== 0) return drop("fragmentForRouter");
    if (frame.length < 14 + headerLength + 8) return drop("tooShort");
    const message = frame.slice(14 + headerLength);
    if (message[0] !== 8 || message[1] !== 0) return drop("toRouter");
    message[0] = 0;
    const view = viewOf(message);
    view.setUint16(2, addedTo(view.getUint16(2), 0x0800));
    const swapped = concat(ip.subarray(0, 12), ip.subarray(16, 20), ip.subarray(12, 16), ip.subarray(20, headerLength));
    const header = withTtl(swapped, headerLength, 64);
    const reply = concat(frame.subarray(6, 12), port.mac, frame.subarray(12, 14), header, message);
    return { kind: "forward", port: port.number, frame: reply };
  }
}

/** A checksum after that much was taken from what it covers. */
export function addedTo(checksum: number, amount: number): number {
  const sum = checksum + amount;
  return sum > 0xffff ? (sum & 0xffff) + 1 : sum;
}

/** The header's checksum is computed anew. */
export function withTtl(packet: Uint8Array, headerLength: number, ttl: number): Uint8Array {
  const changed = packet.slice();
  changed[8] = ttl;
  const view = viewOf(changed);
  view.setUint16(10, 0);
  view.setUint16(10, internetChecksum(changed.subarray(0, headerLength)));
  return changed;
}
