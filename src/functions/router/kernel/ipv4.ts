/** IPv4: RFC 791 and RFC 1812. */
import { array, drop, forward, range, struct, toHost, type u16, u32, u64, type Verdict } from "iovisor/kernel";
import {
  Ethernet,
  Icmp,
  IcmpType,
  IpProtocol,
  Ipv4,
  Ipv4Fragment,
  ipv4HeaderLength,
  Ports,
  Tcp,
  tcpHeaderLength,
} from "iovisor/kernel/headers";
import { type Arrival, linkHeader, reject } from "./arrival.ts";
import { fold } from "./checksum.ts";
import { chooseHop, lookup4, mix } from "./lookup.ts";
import { resolve, touch } from "./neighbours.ts";
import { causes, reasons, settings } from "./reasons.ts";
import { HopKind, maximumPorts, Neighbour4, type NextHop, neighbours4, portTable, State, statics4 } from "./tables.ts";

const Words = struct({ words: array(u32, 5) });
const Option = struct({ word: u32 });

/** The sum does not depend on the order of bytes. */
export function hasGoodChecksum({ packet }: Arrival, headerLength: number): boolean {
  const fixed = packet.at(linkHeader, Words);
  if (!fixed) return false;
  let sum = fixed.words[0] + fixed.words[1] + fixed.words[2] + fixed.words[3] + fixed.words[4];
  if (headerLength > Ipv4.size) {
    for (const index of range(10)) {
      if (Ipv4.size + 4 * index >= headerLength) break;
      const option = packet.at(linkHeader + Ipv4.size + 4 * index, Option);
      if (!option) return false;
      sum += option.word;
    }
  }
  return fold(sum) === 0xffff;
}

/** 0/8, 127/8 and 224/4 upwards are no hosts: RFC 1122, section 3.2.1.3; RFC 1812, section 5.3.7. */
export function isNoHost(address: u32): boolean {
  const first = address >>> 24;
  return first === 0 || first === 127 || first >= 224;
}

function isLinkLocal(address: u32): boolean {
  return address >>> 16 === 0xa9fe;
}

/** Bits of the flow: addresses, protocol, and ports where every packet of the flow has them. */
function flowOf({ packet }: Arrival, ip: Ipv4): u64 {
  const isFragment = (ip.fragment & (Ipv4Fragment.moreFragments | Ipv4Fragment.offsetMask)) !== 0;
  let ports = 0;
  if (!isFragment && (ip.protocol === IpProtocol.tcp || ip.protocol === IpProtocol.udp)) {
    const found = packet.at(linkHeader + ipv4HeaderLength(ip), Ports);
    if (found) ports = found.source * 0x1_0000 + found.destination;
  }
  return mix(mix((u64(ip.source) << 32n) | u64(ip.destination)) ^ ((u64(ports) << 8n) | u64(ip.protocol)));
}

/** RFC 1141: the sum goes up as the time to live goes down; 0xffff is 0 in another dress. */
export function withTtl(checksum: u16, before: number, after: number): u16 {
  return ~fold((~checksum & 0xffff) + (~(before << 8) & 0xffff) + (after << 8)) & 0xffff;
}

/** A packet for the router. */
function receive(arrival: Arrival, ip: Ipv4): Verdict {
  const { packet, port } = arrival;
  if (ip.protocol === IpProtocol.icmp) {
    if ((ip.fragment & (Ipv4Fragment.moreFragments | Ipv4Fragment.offsetMask)) !== 0)
      return drop(reasons.fragmentForRouter);
    const offset = linkHeader + ipv4HeaderLength(ip);
    const icmp = packet.at(offset, Icmp);
    const ethernet = packet.at(0, Ethernet);
    if (!icmp || !ethernet) return drop(reasons.tooShort);
    if (icmp.type === IcmpType.echoRequest && icmp.code === 0) {
      ethernet.destination = ethernet.source;
      ethernet.source = port.mac;
      const source = ip.source;
      ip.source = ip.destination;
      ip.destination = source;
      ip.checksum = withTtl(ip.checksum, ip.ttl, 64);
      ip.ttl = 64;
      icmp.type = IcmpType.echoReply;
      const done = packet.replaceChecksum(offset + 2, IcmpType.echoRequest << 8, 0, { layer: 4, size: 2 });
      const reply = packet.at(offset, Icmp);
      if (!done || !reply) return drop(reasons.tooShort);
      // Of a message of zeros alone the sum is 0, and 0xffff is its complement: the update gives the other zero.
      if (reply.checksum === 0) reply.checksum = 0xffff;
      return forward(packet.port);
    }
  }
  return settings.local === "host" ? toHost : drop(reasons.toRouter);
}

/** The greatest packet that goes over the wire: of one that is cut up on its way out, a segment. */
export function wireLength({ packet }: Arrival, ip: Ipv4): number {
  const segment = packet.gsoSize;
  if (segment === 0) return ip.length;
  const headers = ipv4HeaderLength(ip);
  if (ip.protocol !== IpProtocol.tcp) return headers + 8 + segment;
  const tcp = packet.at(linkHeader + headers, Tcp);
  return headers + (tcp ? tcpHeaderLength(tcp) : 60) + segment;
}

/** Sends it out of a port to the neighbour that has the address. */
function send(arrival: Arrival, ip: Ipv4, hop: NextHop, address: u32): Verdict {
  const { packet } = arrival;
  const number = hop.port & (maximumPorts - 1);
  const out = portTable.ref(number);
  if (!out) return drop(reasons.noPort);
  if (packet.length > out.mtu + linkHeader && ip.length > out.mtu && wireLength(arrival, ip) > out.mtu) {
    if ((ip.fragment & Ipv4Fragment.dontFragment) !== 0) return reject(arrival, causes.tooBig, reasons.tooBig);
    return reject(arrival, causes.fragment, reasons.tooBig);
  }
  const key = Neighbour4({ address, port: number });
  const ethernet = packet.at(0, Ethernet);
  if (!ethernet) return drop(reasons.tooShort);
  const fixed = settings.statics ? statics4.ref(key) : undefined;
  if (fixed) {
    ethernet.destination = fixed;
  } else {
    const neighbour = neighbours4.ref(key);
    if (!neighbour || neighbour.state < State.reachable)
      return resolve(arrival, neighbour, (entry) => neighbours4.insert(key, entry));
    ethernet.destination = neighbour.mac;
    touch(neighbour);
  }
  ethernet.source = out.mac;
  ip.checksum = withTtl(ip.checksum, ip.ttl, ip.ttl - 1);
  ip.ttl = (ip.ttl - 1) & 0xff;
  return forward(number);
}

function route(arrival: Arrival, ip: Ipv4): Verdict {
  const found = lookup4(ip.destination);
  const hop = found ? chooseHop(found, () => flowOf(arrival, ip)) : undefined;
  if (!hop) return drop(reasons.noRoute);
  const { kind } = hop;
  if (kind === HopKind.local) return receive(arrival, ip);
  if (isLinkLocal(ip.source) || isLinkLocal(ip.destination)) return drop(reasons.linkLocal);
  if (kind === HopKind.broadcast) return drop(reasons.broadcast);
  if (kind === HopKind.blackhole) return drop(reasons.blackhole);
  if (ip.ttl < 2) return reject(arrival, causes.ttlExceeded, reasons.ttlExceeded);
  if (kind === HopKind.connected) return send(arrival, ip, hop, ip.destination);
  if (kind === HopKind.gateway) return send(arrival, ip, hop, u32(hop.low));
  if (kind === HopKind.prohibited) return reject(arrival, causes.prohibited, reasons.prohibited);
  return reject(arrival, causes.noRoute, reasons.noRoute);
}

export function handleIpv4(arrival: Arrival): Verdict {
  const { packet } = arrival;
  const ip = packet.at(linkHeader, Ipv4);
  if (!ip) return drop(reasons.tooShort);
  const headerLength = ipv4HeaderLength(ip);
  if (ip.version !== 4 || headerLength < Ipv4.size) return drop(reasons.badHeader);
  if (ip.length < headerLength || ip.length + linkHeader > packet.length) return drop(reasons.badLength);
  if (!hasGoodChecksum(arrival, headerLength)) return drop(reasons.badChecksum);
  if (isNoHost(ip.source)) return drop(reasons.badSource);
  if (isNoHost(ip.destination)) {
    const first = ip.destination >>> 24;
    if (ip.destination === 0xffff_ffff) return drop(reasons.broadcast);
    return first >= 224 && first < 240 ? drop(reasons.multicast) : drop(reasons.badDestination);
  }
  return route(arrival, ip);
}
