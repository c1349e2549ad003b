/** Neighbour discovery: RFC 4861, section 7. */
import {
  be16,
  be32,
  be64,
  bytes,
  drop,
  equal,
  forward,
  type Packet,
  punt,
  range,
  struct,
  type TypeOf,
  u8,
  u64,
  type Verdict,
} from "iovisor/kernel";
import { Ethernet, Icmpv6Type, IpProtocol } from "iovisor/kernel/headers";
import { type Arrival, linkHeader } from "./arrival.ts";
import { fold } from "./checksum.ts";
import { Ipv6 } from "./ipv6-header.ts";
import { lookup6 } from "./lookup.ts";
import { learn } from "./neighbours.ts";
import { causes, reasons } from "./reasons.ts";
import { HopKind, Neighbour6, neighbours6, State } from "./tables.ts";

const message = linkHeader + Ipv6.size;
/** Solicitation and advertisement: RFC 4861, sections 4.3 and 4.4. */
const Discovery = struct({
  type: u8,
  code: u8,
  checksum: be16,
  flags: u8,
  reserved: bytes(3),
  targetHigh: be64,
  targetLow: be64,
});
type Discovery = TypeOf<typeof Discovery>;
/** Section 4.6.1. */
const LinkAddress = struct({ type: u8, length: u8, mac: bytes(6) });
const Mac = struct({ bytes: bytes(6) });
const OptionType = { source: 1, target: 2 } as const;
const Flags = { router: 0x80, solicited: 0x40, override: 0x20 } as const;
/** Messages up to this many bytes are read; those with one option have 32. */
const mostBytes = 128;
const Word = struct({ value: be32 });

const allNodesHigh = 0xff02_0000_0000_0000n;

/** Checksum over addresses, length, protocol and message: RFC 8200, section 8.1. It is right when it gives 0xffff. */
function sumOf(packet: Packet, length: number): number {
  let sum = length + IpProtocol.icmpv6;
  for (const index of range(8)) {
    const word = packet.at(linkHeader + 8 + 4 * index, Word);
    if (word) sum += word.value;
  }
  for (const index of range(mostBytes / 4)) {
    if (4 * index >= length) break;
    const word = packet.at(message + 4 * index, Word);
    if (!word) break;
    sum += word.value;
  }
  return fold(sum);
}

/** Sections 7.1.1 and 7.1.2. */
function isSound({ packet }: Arrival, ip: Ipv6, { code, targetHigh }: Discovery): boolean {
  if (code !== 0 || targetHigh >> 56n === 0xffn) return false;
  const length = ip.payloadLength;
  if (length < Discovery.size || length > mostBytes || (length & 7) !== 0) return false;
  return sumOf(packet, length) === 0xffff;
}

/** The first option, where it is a link-layer address of that type. */
function optionOf(packet: Packet, ip: Ipv6, type: u8) {
  if (ip.payloadLength < Discovery.size + LinkAddress.size) return undefined;
  const option = packet.at(message + Discovery.size, LinkAddress);
  return option && option.type === type && option.length === 1 && (option.mac[0] & 1) === 0 ? option : undefined;
}

/** What the address is on this port: the router's own, or a host's of its networks, or neither. */
function kindOf({ packet, port }: Arrival, high: u64, low: u64): u8 {
  if (high >> 54n === 0x3fan) {
    const isOwn = high === port.linkLocalHigh && low === port.linkLocalLow;
    return isOwn ? HopKind.local : HopKind.connected;
  }
  const hop = lookup6(high, low);
  return hop && hop.port === packet.port ? hop.kind : HopKind.none;
}

/** The advertisement in place of the solicitation; one to all nodes where the asker has no address yet. */
function advertise({ packet, port }: Arrival): Verdict {
  const whole = message + Discovery.size + LinkAddress.size;
  if (packet.length !== whole && !packet.setLength(whole)) return drop(reasons.tooShort);
  const ethernet = packet.at(0, Ethernet);
  const ip = packet.at(linkHeader, Ipv6);
  const advertisement = packet.at(message, Discovery);
  const option = packet.at(message + Discovery.size, LinkAddress);
  if (!ethernet || !ip || !advertisement || !option) return drop(reasons.tooShort);
  const isProbe = ip.sourceHigh === 0n && ip.sourceLow === 0n;
  if (isProbe) {
    ethernet.destination[0] = 0x33;
    ethernet.destination[1] = 0x33;
    ethernet.destination[2] = 0;
    ethernet.destination[3] = 0;
    ethernet.destination[4] = 0;
    ethernet.destination[5] = 1;
  } else ethernet.destination = ethernet.source;
  ethernet.source = port.mac;
  ip.destinationHigh = isProbe ? allNodesHigh : ip.sourceHigh;
  ip.destinationLow = isProbe ? 1n : ip.sourceLow;
  ip.sourceHigh = advertisement.targetHigh;
  ip.sourceLow = advertisement.targetLow;
  ip.payloadLength = Discovery.size + LinkAddress.size;
  advertisement.type = Icmpv6Type.neighborAdvertisement;
  advertisement.checksum = 0;
  advertisement.flags = Flags.router | Flags.override | (isProbe ? 0 : Flags.solicited);
  option.type = OptionType.target;
  option.length = 1;
  option.mac = port.mac;
  advertisement.checksum = ~sumOf(packet, Discovery.size + LinkAddress.size) & 0xffff;
  return forward(packet.port);
}

/** Section 7.2.3. */
function handleSolicitation(arrival: Arrival, ip: Ipv6, targetKind: number): Verdict {
  const { packet } = arrival;
  const [high, low] = [ip.sourceHigh, ip.sourceLow];
  const isProbe = high === 0n && low === 0n;
  const option = optionOf(packet, ip, OptionType.source);
  if (isProbe && (option || ip.destinationHigh >> 56n !== 0xffn)) return drop(reasons.badNeighbour);
  const kind = kindOf(arrival, high, low);
  if (kind === HopKind.local) return drop(reasons.duplicateAddress);
  if (targetKind !== HopKind.local) return drop(reasons.notAsked);
  if (option && kind === HopKind.connected) {
    const key = Neighbour6({ high, low, port: u64(packet.port) });
    learn(option.mac, State.stale, neighbours6.ref(key), (entry) => neighbours6.set(key, entry));
  }
  return advertise(arrival);
}

/** Section 7.2.5: only what is known or looked for is brought up to date. */
function handleAdvertisement(arrival: Arrival, ip: Ipv6, told: Discovery): Verdict {
  const { packet } = arrival;
  const { flags } = told;
  const isMulticast = ip.destinationHigh >> 56n === 0xffn;
  if (isMulticast && (flags & Flags.solicited) !== 0) return drop(reasons.badNeighbour);
  const key = Neighbour6({ high: told.targetHigh, low: told.targetLow, port: u64(packet.port) });
  const known = neighbours6.ref(key);
  if (!known) return drop(reasons.notAsked);
  const option = optionOf(packet, ip, OptionType.target);
  const isKnown = known.state >= State.reachable;
  if (!isKnown && !option) return drop(reasons.badNeighbour);
  if (isKnown && option && (flags & Flags.override) === 0 && !equal(known.mac, option.mac)) {
    if (known.state === State.reachable) known.state = State.stale;
    return drop(reasons.absorbed);
  }
  const state = (flags & Flags.solicited) !== 0 ? State.reachable : State.stale;
  const mac = Mac();
  if (option) mac.bytes = option.mac;
  else mac.bytes = known.mac;
  const waits = learn(mac.bytes, state, known, (entry) => neighbours6.set(key, entry));
  return waits ? punt(causes.resolved) : drop(reasons.absorbed);
}

/** Whether it is one of the two messages; routers have no use for the others. */
export function isDiscovery({ packet }: Arrival, ip: Ipv6): boolean {
  if (ip.nextHeader !== IpProtocol.icmpv6 || ip.hopLimit !== 255) return false;
  const type = packet.at(message, u8);
  if (!type) return false;
  return type.value === Icmpv6Type.neighborSolicitation || type.value === Icmpv6Type.neighborAdvertisement;
}

export function handleDiscovery(arrival: Arrival, ip: Ipv6): Verdict {
  const told = arrival.packet.at(message, Discovery);
  if (!told) return drop(reasons.tooShort);
  if (!isSound(arrival, ip, told)) return drop(reasons.badNeighbour);
  const kind = kindOf(arrival, told.targetHigh, told.targetLow);
  if (told.type === Icmpv6Type.neighborSolicitation) return handleSolicitation(arrival, ip, kind);
  return kind === HopKind.local ? drop(reasons.duplicateAddress) : handleAdvertisement(arrival, ip, told);
}
