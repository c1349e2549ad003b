/**
 * Logs DNS queries: who asks for which name.
 *
 *     ./iovisor run examples/dns-log.ts --attach tcx-ingress:eth0
 *
 * Queries over UDP, IPv4 and IPv6. The name is read byte by byte in a bounded loop (RFC 1035 section 4.1.2: labels with
 * their lengths in front) and sent as text, "example.org"; one that is longer than an event holds is cut, and says so.
 * Events that found no room in the ring are counted in `lost`.
 */
import {
  arrayMap,
  atomicAdd,
  be16,
  bool,
  bytes,
  config,
  onPacket,
  type Packet,
  Pass,
  ringBuffer,
  struct,
  type TypeOf,
  time,
  u8,
  u16,
  type u32,
  u64,
} from "iovisor/kernel";
import {
  Dns,
  Ethernet,
  EtherType,
  IpProtocol,
  Ipv4,
  Ipv6,
  ipv4HeaderLength,
  isLaterFragment,
  Udp,
} from "iovisor/kernel/headers";

/** Longest name that an event holds, in characters. */
const nameLimit = 128;
/** A length byte with one of its two high bits set is no label but a pointer, which queries have no use for. */
const longestLabel = 63;
const response = 0x8000;
const dot = 0x2e;

export const Query = struct({
  /** Nanoseconds since boot. */
  at: u64,
  /** An IPv4 address is in the first four bytes. */
  source: bytes(16),
  family: u8,
  truncated: bool,
  /** A is 1, AAAA is 28. */
  type: u16,
  length: u16,
  name: bytes(nameLimit),
});

export const queries = ringBuffer({ event: Query, bytes: 1 << 18 });
export const lost = arrayMap({ value: u64, maxEntries: 1, title: "events that found no room" });

export const settings = config({ port: u16.default(53, "UDP port of the name servers") });

export default onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (ethernet?.type === EtherType.ipv4) logIpv4(packet);
  else if (ethernet?.type === EtherType.ipv6) logIpv6(packet);
  return Pass;
});

type Event = TypeOf<typeof Query>;

function logIpv4(packet: Packet): void {
  const ip = packet.at(Ethernet.size, Ipv4);
  if (ip?.protocol !== IpProtocol.udp || isLaterFragment(ip)) return;
  const event = Query();
  event.family = 4;
  event.source[0] = u8(ip.source >>> 24);
  event.source[1] = u8(ip.source >>> 16);
  event.source[2] = u8(ip.source >>> 8);
  event.source[3] = u8(ip.source);
  logQuery(packet, Ethernet.size + ipv4HeaderLength(ip), event);
}

function logIpv6(packet: Packet): void {
  const ip = packet.at(Ethernet.size, Ipv6);
  if (ip?.nextHeader !== IpProtocol.udp) return;
  const event = Query();
  event.family = 6;
  event.source = ip.source;
  logQuery(packet, Ethernet.size + Ipv6.size, event);
}

function logQuery(packet: Packet, offset: u32, event: Event): void {
  const udp = packet.at(offset, Udp);
  if (udp?.destination !== settings.port) return;
  const dns = packet.at(offset + Udp.size, Dns);
  if (dns === undefined || (dns.flags & response) !== 0 || dns.questions === 0) return;
  event.at = time.now();
  if (!readName(packet, offset + Udp.size + Dns.size, event)) return;
  if (queries.emit(event)) return;
  const count = lost.ref(0);
  if (count) atomicAdd(count, "value", 1n);
}

/** Reads the first question's name and type; false when the packet ends before, or is no sane query. */
function readName(packet: Packet, offset: u32, event: Event): boolean {
  let left: u8 = packet.at(offset, u8)?.value ?? 0;
  if (left === 0 || left > longestLabel) return false;
  for (let i = 0; i < nameLimit; i++) {
    const byte = packet.at(offset + 1 + i, u8)?.value;
    if (byte === undefined) return false;
    if (left > 0) {
      event.name[i] = byte;
      left -= 1;
      continue;
    }
    if (byte === 0) {
      event.length = i;
      event.type = packet.at(offset + 2 + i, be16)?.value ?? 0;
      return true;
    }
    if (byte > longestLabel) return false;
    event.name[i] = dot;
    left = byte;
  }
  event.length = nameLimit;
  event.truncated = true;
  return true;
}
