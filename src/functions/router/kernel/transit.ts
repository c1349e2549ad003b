/** Packets in transit in host mode: what a router must do to them itself; others are left to the kernel. */
import { min, type u64, type Verdict } from "iovisor/kernel";
import { AddressFamily, FibLookup, IpProtocol, Ipv4, Ipv4Fragment, Ports } from "iovisor/kernel/headers";
import { type Arrival, linkHeader } from "./arrival.ts";
import { follow, hasWayBack, leave } from "./fib.ts";
import { hasGoodChecksum, isNoHost, wireLength as wireLength4, withTtl } from "./ipv4.ts";
import { isLinkLocal, isMulticast, isUnspecifiedOrLoopback, wireLength as wireLength6 } from "./ipv6.ts";
import { Ipv6 } from "./ipv6-header.ts";
import { settings } from "./reasons.ts";

const longest = 0xffff;

/** Rules of routing and the choice among several ways may go by them. */
function fillPorts({ packet }: Arrival, lookup: FibLookup, offset: number): void {
  if (lookup.protocol !== IpProtocol.tcp && lookup.protocol !== IpProtocol.udp) return;
  const ports = packet.at(offset, Ports);
  if (!ports) return;
  lookup.sourcePort = ports.source;
  lookup.destinationPort = ports.destination;
}

export function transit4(arrival: Arrival): Verdict {
  const { packet } = arrival;
  const ip = packet.at(linkHeader, Ipv4);
  // Options are the kernel's.
  if (ip?.version !== 4 || ip.headerWords * 4 !== Ipv4.size) return leave("header");
  if (ip.length < Ipv4.size || ip.length + linkHeader > packet.length) return leave("header");
  if (!hasGoodChecksum(arrival, Ipv4.size)) return leave("header");
  if (isNoHost(ip.source) || isNoHost(ip.destination)) return leave("address");
  if (ip.ttl < 2) return leave("hopLimit");
  const flow = ((ip.dscp << 2) | ip.ecn) << 24;
  if (settings.sourceCheck !== "none") {
    const back = FibLookup();
    back.family = AddressFamily.ipv4;
    back.flow = flow;
    back.source.ipv4 = ip.destination;
    back.destination.ipv4 = ip.source;
    if (!hasWayBack(arrival, back)) return leave("sourceCheck");
  }
  const lookup = FibLookup();
  lookup.family = AddressFamily.ipv4;
  lookup.protocol = ip.protocol;
  lookup.length = min(wireLength4(arrival, ip), longest);
  lookup.flow = flow;
  lookup.source.ipv4 = ip.source;
  lookup.destination.ipv4 = ip.destination;
  if ((ip.fragment & (Ipv4Fragment.moreFragments | Ipv4Fragment.offsetMask)) === 0)
    fillPorts(arrival, lookup, linkHeader + Ipv4.size);
  return follow(arrival, lookup, () => {
    ip.checksum = withTtl(ip.checksum, ip.ttl, ip.ttl - 1);
    ip.ttl = (ip.ttl - 1) & 0xff;
  });
}

export function transit6(arrival: Arrival): Verdict {
  const { packet } = arrival;
  const ip = packet.at(linkHeader, Ipv6);
  const transport = linkHeader + Ipv6.size;
  // Hop-by-hop options are the kernel's.
  if (!ip || ip.versionClassFlow >>> 28 !== 6 || ip.nextHeader === 0) return leave("header");
  if (ip.payloadLength + transport > packet.length) return leave("header");
  if (isScoped(ip.sourceHigh, ip.sourceLow) || isScoped(ip.destinationHigh, ip.destinationLow)) return leave("address");
  if (ip.hopLimit < 2) return leave("hopLimit");
  const flow = ip.versionClassFlow & 0x0fff_ffff;
  if (settings.sourceCheck !== "none") {
    const back = FibLookup();
    back.family = AddressFamily.ipv6;
    back.flow = flow;
    back.source.ipv6 = { high: ip.destinationHigh, low: ip.destinationLow };
    back.destination.ipv6 = { high: ip.sourceHigh, low: ip.sourceLow };
    if (!hasWayBack(arrival, back)) return leave("sourceCheck");
  }
  const lookup = FibLookup();
  lookup.family = AddressFamily.ipv6;
  lookup.protocol = ip.nextHeader;
  lookup.length = min(wireLength6(arrival, ip), longest);
  lookup.flow = flow;
  lookup.source.ipv6 = { high: ip.sourceHigh, low: ip.sourceLow };
  lookup.destination.ipv6 = { high: ip.destinationHigh, low: ip.destinationLow };
  fillPorts(arrival, lookup, transport);
  return follow(arrival, lookup, () => {
    ip.hopLimit = (ip.hopLimit - 1) & 0xff;
  });
}

/** Addresses that no packet in transit has. */
function isScoped(high: u64, low: u64): boolean {
  return isMulticast(high) || isLinkLocal(high) || isUnspecifiedOrLoopback(high, low);
}
