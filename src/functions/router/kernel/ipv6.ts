/** IPv6: RFC 8200 and RFC 4443. */
import { drop, forward, toHost, u64, type Verdict } from "iovisor/kernel";
import { Ethernet, Icmpv6, Icmpv6Type, IpProtocol, Ports, Tcp, tcpHeaderLength } from "iovisor/kernel/headers";
import { type Arrival, linkHeader, reject } from "./arrival.ts";
import { handleDiscovery, isDiscovery } from "./discovery.ts";
import { Ipv6 } from "./ipv6-header.ts";
import { chooseHop, lookup6, mix } from "./lookup.ts";
import { resolve, touch } from "./neighbours.ts";
import { causes, reasons, settings } from "./reasons.ts";
import { HopKind, maximumPorts, Neighbour6, neighbours6, portTable, State, statics6 } from "./tables.ts";

/** Where the transport header is, when it follows the fixed header. */
const transport = linkHeader + Ipv6.size;

/** fe80::/10: RFC 4291, section 2.5.6. */
export function isLinkLocal(high: u64): boolean {
  return high >> 54n === 0x3fan;
}

export function isMulticast(high: u64): boolean {
  return high >> 56n === 0xffn;
}

/** :: and ::1. */
export function isUnspecifiedOrLoopback(high: u64, low: u64): boolean {
  return high === 0n && low < 2n;
}

function flowOf({ packet }: Arrival, ip: Ipv6): u64 {
  let ports = 0;
  if (ip.nextHeader === IpProtocol.tcp || ip.nextHeader === IpProtocol.udp) {
    const found = packet.at(transport, Ports);
    if (found) ports = found.source * 0x1_0000 + found.destination;
  }
  const source = mix(mix(ip.sourceHigh) ^ ip.sourceLow);
  const both = mix(mix(source ^ ip.destinationHigh) ^ ip.destinationLow);
  return mix(both ^ ((u64(ports) << 8n) | u64(ip.nextHeader)));
}

/** A packet for the router. */
function receive(arrival: Arrival, ip: Ipv6): Verdict {
  const { packet, port } = arrival;
  if (ip.nextHeader === IpProtocol.icmpv6) {
    const icmp = packet.at(transport, Icmpv6);
    const ethernet = packet.at(0, Ethernet);
    if (!icmp || !ethernet) return drop(reasons.tooShort);
    if (icmp.type === Icmpv6Type.echoRequest && icmp.code === 0) {
      const [high, low] = [ip.sourceHigh, ip.sourceLow];
      ethernet.destination = ethernet.source;
      ethernet.source = port.mac;
      ip.sourceHigh = ip.destinationHigh;
      ip.sourceLow = ip.destinationLow;
      ip.destinationHigh = high;
      ip.destinationLow = low;
      ip.hopLimit = 64;
      icmp.type = Icmpv6Type.echoReply;
      const [from, to] = [Icmpv6Type.echoRequest << 8, Icmpv6Type.echoReply << 8];
      const done = packet.replaceChecksum(transport + 2, from, to, { layer: 4, size: 2 });
      return done ? forward(packet.port) : drop(reasons.tooShort);
    }
  }
  if (ip.nextHeader === IpProtocol.fragment) return drop(reasons.fragmentForRouter);
  return settings.local === "host" ? toHost : drop(reasons.toRouter);
}

/** The greatest packet that goes over the wire: of one that is cut up on its way out, a segment. */
export function wireLength({ packet }: Arrival, ip: Ipv6): number {
  const segment = packet.gsoSize;
  if (segment === 0) return ip.payloadLength + Ipv6.size;
  if (ip.nextHeader !== IpProtocol.tcp) return Ipv6.size + 8 + segment;
  const tcp = packet.at(transport, Tcp);
  return Ipv6.size + (tcp ? tcpHeaderLength(tcp) : 60) + segment;
}

/** Sends it out of a port to the neighbour that has the address. */
function send(arrival: Arrival, ip: Ipv6, number: number, high: u64, low: u64): Verdict {
  const { packet } = arrival;
  const out = portTable.ref(number);
  if (!out) return drop(reasons.noPort);
  if (packet.length > out.mtu + linkHeader && wireLength(arrival, ip) > out.mtu)
    return reject(arrival, causes.tooBig, reasons.tooBig);
  const key = Neighbour6({ high, low, port: u64(number) });
  const ethernet = packet.at(0, Ethernet);
  if (!ethernet) return drop(reasons.tooShort);
  const fixed = settings.statics ? statics6.ref(key) : undefined;
  if (fixed) {
    ethernet.destination = fixed;
  } else {
    const neighbour = neighbours6.ref(key);
    if (!neighbour || neighbour.state < State.reachable)
      return resolve(arrival, neighbour, (entry) => neighbours6.insert(key, entry));
    ethernet.destination = neighbour.mac;
    touch(neighbour);
  }
  ethernet.source = out.mac;
  ip.hopLimit = (ip.hopLimit - 1) & 0xff;
  return forward(number & (maximumPorts - 1));
}

function route(arrival: Arrival, ip: Ipv6): Verdict {
  const found = lookup6(ip.destinationHigh, ip.destinationLow);
  const hop = found ? chooseHop(found, () => flowOf(arrival, ip)) : undefined;
  if (!hop) return drop(reasons.noRoute);
  const { kind } = hop;
  const number = hop.port & (maximumPorts - 1);
  if (kind === HopKind.local) return receive(arrival, ip);
  if (isLinkLocal(ip.sourceHigh)) return drop(reasons.linkLocal);
  if (isUnspecifiedOrLoopback(ip.sourceHigh, ip.sourceLow)) return drop(reasons.badSource);
  if (kind === HopKind.broadcast) return drop(reasons.badDestination);
  if (kind === HopKind.blackhole) return drop(reasons.blackhole);
  if (ip.hopLimit < 2) return reject(arrival, causes.ttlExceeded, reasons.ttlExceeded);
  if (kind === HopKind.connected) return send(arrival, ip, number, ip.destinationHigh, ip.destinationLow);
  if (kind === HopKind.gateway) return send(arrival, ip, number, hop.high, hop.low);
  if (kind === HopKind.prohibited) return reject(arrival, causes.prohibited, reasons.prohibited);
  return reject(arrival, causes.noRoute, reasons.noRoute);
}

export function handleIpv6(arrival: Arrival, isGroup: boolean): Verdict {
  const { packet, port } = arrival;
  const ip = packet.at(linkHeader, Ipv6);
  if (!ip) return drop(reasons.tooShort);
  if (ip.versionClassFlow >>> 28 !== 6) return drop(reasons.badHeader);
  if (ip.payloadLength + transport > packet.length) return drop(reasons.badLength);
  if (isMulticast(ip.sourceHigh)) return drop(reasons.badSource);
  // With this hop limit it comes from the link, and it is about the link.
  if (isDiscovery(arrival, ip)) return handleDiscovery(arrival, ip);
  if (isMulticast(ip.destinationHigh)) return drop(reasons.multicast);
  if (isGroup) return drop(reasons.broadcast);
  if (isUnspecifiedOrLoopback(ip.destinationHigh, ip.destinationLow)) return drop(reasons.badDestination);
  if (isLinkLocal(ip.destinationHigh)) {
    const isOwn = ip.destinationHigh === port.linkLocalHigh && ip.destinationLow === port.linkLocalLow;
    return isOwn ? receive(arrival, ip) : drop(reasons.linkLocal);
  }
  return route(arrival, ip);
}
