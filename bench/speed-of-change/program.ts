/**
 * A function of the usual length, some 150 lines: an edge filter. It reads VLAN tags, IPv4 and IPv6 with extension
 * headers, TCP and UDP; it refuses broken headers, closed ports and blocked sources, limits each source's rate, counts
 * by VLAN and by protocol, and tells of refused connection attempts.
 */
import {
  arrayMap,
  atomicAdd,
  be32,
  bytes,
  config,
  Drop,
  lpmTrie,
  lruHash,
  min,
  onPacket,
  type Packet,
  Pass,
  perCpuArray,
  range,
  ringBuffer,
  struct,
  time,
  type u8,
  u16,
  u32,
  u64,
  type Verdict,
} from "iovisor/kernel";
import { Ethernet, EtherType, Ipv4, Ipv6, Ports, Protocol, Tcp, TcpFlag, Vlan } from "../programs/headers.ts";

export const settings = config({
  closedPort: u16.default(9999, "TCP port that is closed"),
  packetsPerSecond: u64.default(100_000n, "what a source may send"),
  burst: u64.default(1000n, "packets at once"),
  revision: u32.default(0, "shown in every event"),
});

export const Block = struct({ prefixLength: u32, address: be32 });
export const Bucket = struct({ credit: u64, updated: u64 });
export const Traffic = struct({ packets: u64, bytes: u64 });
export const Refusal = struct({ source: u32, destination: u32, port: u16, vlan: u16, revision: u32 });

export const blocked = lpmTrie({ key: Block, value: Traffic, maxEntries: 1024 });
export const buckets = lruHash({ key: be32, value: Bucket, maxEntries: 16384 });
export const buckets6 = lruHash({ key: bytes(16), value: Bucket, maxEntries: 16384 });
export const vlans = arrayMap({ value: Traffic, maxEntries: 4096 });
export const protocols = perCpuArray({ value: Traffic, maxEntries: 256 });
export const refusals = ringBuffer({ event: Refusal, bytes: 65536 });

const second = 1_000_000_000n;
const extensionHeaders = 4;

function isTag(type: u16): boolean {
  return type === EtherType.vlan || type === EtherType.serviceVlan;
}

function countVlan(packet: Packet, vlan: u32): void {
  const traffic = vlans.ref(vlan);
  if (!traffic) return;
  atomicAdd(traffic, "packets", 1n);
  atomicAdd(traffic, "bytes", u64(packet.length));
}

function countProtocol(packet: Packet, protocol: u8): void {
  const traffic = protocols.ref(protocol);
  if (!traffic) return;
  traffic.packets += 1n;
  traffic.bytes += u64(packet.length);
}

/** What a source has after this packet; undefined when it has too little. */
function spend(credit: u64, updated: u64, now: u64): u64 | undefined {
  const cost = second / settings.packetsPerSecond;
  const saved = min(credit + (now - updated), cost * settings.burst);
  return saved < cost ? undefined : saved - cost;
}

function isBlocked(packet: Packet, address: u32): boolean {
  const block = blocked.ref({ prefixLength: 32, address });
  if (!block) return false;
  atomicAdd(block, "packets", 1n);
  atomicAdd(block, "bytes", u64(packet.length));
  return true;
}

function filterPorts(packet: Packet, offset: u32, protocol: u8, source: u32, destination: u32, vlan: u16): Verdict {
  countProtocol(packet, protocol);
  if (protocol === Protocol.tcp) {
    const tcp = packet.at(offset, Tcp);
    if (!tcp || tcp.headerWords < 5) return Drop;
    if (tcp.destination !== settings.closedPort) return Pass;
    if ((tcp.flags & (TcpFlag.syn | TcpFlag.ack)) === TcpFlag.syn) {
      refusals.emit({ source, destination, port: tcp.destination, vlan, revision: settings.revision });
    }
    return Drop;
  }
  if (protocol === Protocol.udp && !packet.at(offset, Ports)) return Drop;
  return Pass;
}

function filter4(packet: Packet, offset: u32, vlan: u16): Verdict {
  const ip = packet.at(offset, Ipv4);
  if (ip?.version !== 4 || ip.headerWords < 5) return Drop;
  if (isBlocked(packet, ip.source)) return Drop;
  const now = time.coarse();
  const bucket = buckets.ref(ip.source);
  if (bucket) {
    const left = spend(bucket.credit, bucket.updated, now);
    bucket.updated = now;
    if (left === undefined) return Drop;
    bucket.credit = left;
  } else {
    buckets.set(ip.source, { credit: second, updated: now });
  }
  if ((ip.fragment & 0x1fff) !== 0) return Pass;
  return filterPorts(packet, offset + ip.headerWords * 4, ip.protocol, ip.source, ip.destination, vlan);
}

function filter6(packet: Packet, offset: u32, vlan: u16): Verdict {
  const ip = packet.at(offset, Ipv6);
  if (ip?.version !== 6) return Drop;
  const now = time.coarse();
  const bucket = buckets6.ref(ip.source);
  if (bucket) {
    const left = spend(bucket.credit, bucket.updated, now);
    bucket.updated = now;
    if (left === undefined) return Drop;
    bucket.credit = left;
  } else {
    buckets6.set(ip.source, { credit: second, updated: now });
  }
  let next = ip.next;
  let at: u32 = offset + Ipv6.size;
  for (const _ of range(extensionHeaders)) {
    if (next !== 0 && next !== 43 && next !== 60) break;
    const extension = packet.at(at, Ports);
    if (!extension) return Drop;
    next = extension.source >>> 8;
    at += ((extension.source & 0xff) + 1) * 8;
  }
  return filterPorts(packet, at, next, 0, 0, vlan);
}

export const program = onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (!ethernet) return Drop;
  let type: u16 = ethernet.type;
  let offset: u32 = Ethernet.size;
  let vlan: u16 = 0;
  for (const _ of [0, 1]) {
    if (!isTag(type)) break;
    const tag = packet.at(offset, Vlan);
    if (!tag) return Drop;
    vlan = tag.control & 0x0fff;
    type = tag.type;
    offset += Vlan.size;
  }
  countVlan(packet, vlan);
  if (type === EtherType.ipv4) return filter4(packet, offset, vlan);
  if (type === EtherType.ipv6) return filter6(packet, offset, vlan);
  return Pass;
});
