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
import { Fault, Fragment, putLink, transportOf, type Upper, walkExtensions } from "./kernel/headers.ts";
import { defaultUsage, log, ruleUsage, type Subject, settings, stations, subjects } from "./kernel/tables.ts";

export const ports = fixedPorts("inside", "outside");

export const reasons = dropReasons({
  rule: "a rule says so",
  default: "no rule decided, and the default of its family says so",
  truncated: "the packet ends within its headers, or they contradict each other",
  tooManyExtensions: "more than eight IPv6 extension headers",
});

const Family = { ipv4: 0, ipv6: 1, arp: 2, other: 3 } as const;
const mostRounds = 4;
const icmp = 1;
const icmpv6 = 58;
/** No rule that logs or counts has this stage. */
const lastStage = 0xffff;

const Addresses = struct({ destinationHigh: be32, destinationLow: be16, sourceHigh: be16, sourceLow: be32 });

/** Puts in the numbers of the frame's MAC addresses: 0 for those that no rule names. */
function putStations(packet: Packet, subject: Subject): void {
  if (settings.namesStations === 0) return;
  const addresses = packet.at(0, Addresses);
  if (!addresses) return;
  const from = (u64(addresses.sourceHigh) << 32n) | u64(addresses.sourceLow);
  const to = (u64(addresses.destinationHigh) << 16n) | u64(addresses.destinationLow);
  subject.sourceStation = u16(stations.get(from) ?? 0);
  subject.destinationStation = u16(stations.get(to) ?? 0);
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

/** In the last round rules that log or count are passed over. */
function stageOf(round: u32, stage: u32): u32 {
  return settings.rounds > 1 && round + 1 === settings.rounds ? lastStage : stage;
}

/** The port and the fragment as one number. */
function placeOf(packet: Packet, fragment: u32): u16 {
  return u16((packet.port << 2) | fragment);
}

/** Puts a transport header in. Gives false when the packet ends within. */
function putTransport(packet: Packet, subject: Subject, upper: Upper, end: u32, icmpProtocol: u32): boolean {
  const transport = transportOf(packet, upper, end, icmpProtocol);
  if (!transport) return false;
  subject.protocol = transport.protocol;
  subject.sourcePort = transport.source;
  subject.destinationPort = transport.destination;
  subject.place = placeOf(packet, upper.fragment);
  return true;
}

/** Gives a fault. */
function readIpv4(packet: Packet, subject: Subject, offset: u32): u32 {
  const ip = packet.at(offset, Ipv4);
  if (!ip) return Fault.truncated;
  const length = ipv4HeaderLength(ip);
  // A length of 0 is that of a packet that will be segmented later (BIG TCP).
  const end: u32 = ip.length === 0 ? packet.length : offset + ip.length;
  if (ip.version !== 4 || length < Ipv4.size || offset + length > end || end > packet.length) return Fault.truncated;
  let fragment: u32 = Fragment.none;
  if ((ip.fragment & Ipv4Fragment.offsetMask) !== 0) fragment = Fragment.later;
  else if ((ip.fragment & Ipv4Fragment.moreFragments) !== 0) fragment = Fragment.first;
  const upper = { protocol: ip.protocol, offset: offset + length, fragment, fault: Fault.none };
  return putTransport(packet, subject, upper, end, icmp) ? Fault.none : Fault.truncated;
}

/** Gives a fault. */
function readIpv6(packet: Packet, subject: Subject, offset: u32): u32 {
  const ip = packet.at(offset, Ipv6);
  if (!ip) return Fault.truncated;
  const start: u32 = offset + Ipv6.size;
  // A length of 0 is that of a jumbogram (RFC 2675), or of a packet without anything behind its header.
  const end: u32 = ip.payloadLength === 0 ? packet.length : start + ip.payloadLength;
  if (ip.version !== 6 || end > packet.length) return Fault.truncated;
  const upper = walkExtensions(packet, ip.nextHeader, start, end);
  if (upper.fault !== Fault.none) return upper.fault;
  return putTransport(packet, subject, upper, end, icmpv6) ? Fault.none : Fault.truncated;
}

interface Said {
  readonly number: u16;
  readonly next: u16;
  readonly action: "accept" | "drop" | "log" | "count";
}

/** Goes from rule to rule until one decides. */
function decide(packet: Packet, find: (stage: u16) => Said | undefined, fallback: () => Verdict): Verdict {
  let stage: u32 = 0;
  for (const round of range(mostRounds)) {
    if (round >= settings.rounds) break;
    const found = find(u16(stageOf(round, stage)));
    if (!found) break;
    meet(packet, found.number, found.action === "log");
    if (found.action === "accept") return forward(1 - packet.port);
    if (found.action === "drop") return drop(reasons.rule);
    stage = found.next;
  }
  return fallback();
}

function decideIpv4(packet: Packet, subject: Subject): Verdict {
  const ip = packet.at(subject.offset, Ipv4);
  if (!ip) return drop(reasons.truncated);
  const { source, destination } = ip;
  return decide(
    packet,
    (stage) => match(settings.ipv4Rules, { ...subject, place: u8(subject.place), stage, source, destination }),
    () => byDefault(packet, Family.ipv4, settings.ipv4Default === "accept"),
  );
}

function decideIpv6(packet: Packet, subject: Subject): Verdict {
  const ip = packet.at(subject.offset, Ipv6);
  if (!ip) return drop(reasons.truncated);
  const { source, destination } = ip;
  return decide(
    packet,
    (stage) => match(settings.ipv6Rules, { ...subject, place: u8(subject.place), stage, source, destination }),
    () => byDefault(packet, Family.ipv6, settings.ipv6Default === "accept"),
  );
}

function decideFrame(packet: Packet, subject: Subject): Verdict {
  return decide(
    packet,
    (stage) => match(settings.frameRules, { ...subject, place: u8(subject.place), stage }),
    () =>
      subject.etherType === EtherType.arp
        ? byDefault(packet, Family.arp, settings.arpDefault === "accept")
        : byDefault(packet, Family.other, settings.otherDefault === "accept"),
  );
}

export default onPacket((packet) => {
  const subject = subjects.ref(0);
  if (!subject) return drop(reasons.truncated);
  if (!putLink(packet, subject)) return drop(reasons.truncated);
  putStations(packet, subject);
  const type: u32 = subject.etherType;
  subject.place = placeOf(packet, Fragment.none);
  if (type !== EtherType.ipv4 && type !== EtherType.ipv6) return decideFrame(packet, subject);
  const isIpv4 = type === EtherType.ipv4;
  const fault = isIpv4 ? readIpv4(packet, subject, subject.offset) : readIpv6(packet, subject, subject.offset);
  if (fault === Fault.tooMany) return drop(reasons.tooManyExtensions);
  if (fault !== Fault.none) return drop(reasons.truncated);
  return isIpv4 ? decideIpv4(packet, subject) : decideIpv6(packet, subject);
});
