/** An access list: ordered rules over the packets between two ports. README.md beside this file says what it does. */
import {
  be16,
  be32,
  drop,
  dropReasons,
  fixedPorts,
  forward,
  match,
  onPacket,
  type Packet,
  range,
  struct,
  u8,
  u16,
  type u32,
  u64,
  type Verdict,
} from "iovisor/kernel";
import { EtherType, Ipv4, Ipv4Fragment, Ipv6, ipv4HeaderLength } from "iovisor/kernel/headers";
import { Fault, Fragment, type Link, linkOf, type Transport, transportOf, walkExtensions } from "./kernel/headers.ts";
import { defaultUsage, log, ruleUsage, settings, stations } from "./kernel/tables.ts";

export const ports = fixedPorts("inside", "outside");

export const reasons = dropReasons({
  rule: "a rule says so",
  default: "no rule decided, and the default of its family says so",
  truncated: "the packet ends within its headers, or they contradict each other",
  tooManyExtensions: "more than eight IPv6 extension headers",
});

const Family = { ipv4: 0, ipv6: 1, arp: 2, other: 3 } as const;
const mostRounds = 8;
const icmp = 1;
const icmpv6 = 58;
/** No rule that logs or counts has this stage. */
const lastStage = 0xffff;

const Addresses = struct({ destinationHigh: be32, destinationLow: be16, sourceHigh: be16, sourceLow: be32 });

/** The numbers of the frame's MAC addresses; 0 for those that no rule names. */
interface Stations {
  readonly from: u32;
  readonly to: u32;
}

function stationsOf(packet: Packet): Stations {
  if (settings.namesStations === 0) return { from: 0, to: 0 };
  const addresses = packet.at(0, Addresses);
  if (!addresses) return { from: 0, to: 0 };
  const from = (u64(addresses.sourceHigh) << 32n) | u64(addresses.sourceLow);
  const to = (u64(addresses.destinationHigh) << 16n) | u64(addresses.destinationLow);
  return { from: stations.get(from) ?? 0, to: stations.get(to) ?? 0 };
}

function byDefault(packet: Packet, family: u32, accept: boolean): Verdict {
  const usage = defaultUsage.ref(family);
  if (usage) {
    usage.packets += 1n;
    usage.bytes += u64(packet.length);
  }
  return accept ? forward(1 - packet.port) : drop(reasons.default);
}

/** Counts a packet for the rule that it met, and logs it where the rule says so. */
function meet(packet: Packet, number: u32, logs: boolean): void {
  const usage = ruleUsage.ref(number);
  if (usage) {
    usage.packets += 1n;
    usage.bytes += u64(packet.length);
  }
  if (logs) log.emitPacket(packet, { rule: number, port: packet.port });
}

/** What rules see of an IP packet beside its addresses. */
interface Subject extends Stations, Transport {
  readonly place: u32;
  readonly vlan: u32;
}

/** In the last round rules that log or count are passed over. */
function stageOf(round: u32, stage: u32): u32 {
  return settings.rounds > 1 && round + 1 === settings.rounds ? lastStage : stage;
}

function decideIpv4(packet: Packet, offset: u32, subject: Subject): Verdict {
  const ip = packet.at(offset, Ipv4);
  if (!ip) return drop(reasons.truncated);
  let stage: u32 = 0;
  for (const round of range(mostRounds)) {
    if (round >= settings.rounds) break;
    const found = match(settings.ipv4Rules, {
      place: u8(subject.place),
      stage: u16(stageOf(round, stage)),
      sourceStation: u16(subject.from),
      destinationStation: u16(subject.to),
      vlan: u16(subject.vlan),
      source: ip.source,
      destination: ip.destination,
      protocol: subject.protocol,
      sourcePort: subject.source,
      destinationPort: subject.destination,
    });
    if (!found) break;
    meet(packet, found.number, found.action === "log");
    if (found.action === "accept") return forward(1 - packet.port);
    if (found.action === "drop") return drop(reasons.rule);
    stage = found.next;
  }
  return byDefault(packet, Family.ipv4, settings.ipv4Default === "accept");
}

function handleIpv4(packet: Packet, { vlan, offset }: Link): Verdict {
  const ip = packet.at(offset, Ipv4);
  if (!ip) return drop(reasons.truncated);
  const length = ipv4HeaderLength(ip);
  // A length of 0 is that of a packet that will be segmented later (BIG TCP).
  const end: u32 = ip.length === 0 ? packet.length : offset + ip.length;
  if (ip.version !== 4 || length < Ipv4.size || offset + length > end || end > packet.length) {
    return drop(reasons.truncated);
  }
  let fragment: u32 = Fragment.none;
  if ((ip.fragment & Ipv4Fragment.offsetMask) !== 0) fragment = Fragment.later;
  else if ((ip.fragment & Ipv4Fragment.moreFragments) !== 0) fragment = Fragment.first;
  const transport = transportOf(packet, { protocol: ip.protocol, offset: offset + length, fragment }, end, icmp);
  if (!transport) return drop(reasons.truncated);
  return decideIpv4(packet, offset, { ...transport, ...stationsOf(packet), place: placeOf(packet, fragment), vlan });
}

function decideIpv6(packet: Packet, offset: u32, subject: Subject): Verdict {
  const ip = packet.at(offset, Ipv6);
  if (!ip) return drop(reasons.truncated);
  let stage: u32 = 0;
  for (const round of range(mostRounds)) {
    if (round >= settings.rounds) break;
    const found = match(settings.ipv6Rules, {
      place: u8(subject.place),
      stage: u16(stageOf(round, stage)),
      sourceStation: u16(subject.from),
      destinationStation: u16(subject.to),
      vlan: u16(subject.vlan),
      source: ip.source,
      destination: ip.destination,
      protocol: subject.protocol,
      sourcePort: subject.source,
      destinationPort: subject.destination,
    });
    if (!found) break;
    meet(packet, found.number, found.action === "log");
    if (found.action === "accept") return forward(1 - packet.port);
    if (found.action === "drop") return drop(reasons.rule);
    stage = found.next;
  }
  return byDefault(packet, Family.ipv6, settings.ipv6Default === "accept");
}

function handleIpv6(packet: Packet, { vlan, offset }: Link): Verdict {
  const ip = packet.at(offset, Ipv6);
  if (!ip) return drop(reasons.truncated);
  const start: u32 = offset + Ipv6.size;
  // A length of 0 is that of a jumbogram (RFC 2675), or of a packet without anything behind its header.
  const end: u32 = ip.payloadLength === 0 ? packet.length : start + ip.payloadLength;
  if (ip.version !== 6 || end > packet.length) return drop(reasons.truncated);
  const upper = walkExtensions(packet, ip.nextHeader, start, end);
  if (upper.fault === Fault.tooMany) return drop(reasons.tooManyExtensions);
  if (upper.fault !== Fault.none) return drop(reasons.truncated);
  const transport = transportOf(packet, upper, end, icmpv6);
  if (!transport) return drop(reasons.truncated);
  const place = placeOf(packet, upper.fragment);
  return decideIpv6(packet, offset, { ...transport, ...stationsOf(packet), place, vlan });
}

function handleFrame(packet: Packet, { vlan, type }: Link): Verdict {
  const { from, to } = stationsOf(packet);
  let stage: u32 = 0;
  for (const round of range(mostRounds)) {
    if (round >= settings.rounds) break;
    const found = match(settings.frameRules, {
      place: u8(placeOf(packet, Fragment.none)),
      stage: u16(stageOf(round, stage)),
      sourceStation: u16(from),
      destinationStation: u16(to),
      vlan: u16(vlan),
      etherType: u16(type),
    });
    if (!found) break;
    meet(packet, found.number, found.action === "log");
    if (found.action === "accept") return forward(1 - packet.port);
    if (found.action === "drop") return drop(reasons.rule);
    stage = found.next;
  }
  if (type === EtherType.arp) return byDefault(packet, Family.arp, settings.arpDefault === "accept");
  return byDefault(packet, Family.other, settings.otherDefault === "accept");
}

function placeOf(packet: Packet, fragment: u32): u32 {
  return (packet.port << 2) | fragment;
}

export default onPacket((packet) => {
  const link = linkOf(packet);
  if (!link) return drop(reasons.truncated);
  if (link.type === EtherType.ipv4) return handleIpv4(packet, link);
  if (link.type === EtherType.ipv6) return handleIpv6(packet, link);
  return handleFrame(packet, link);
});
