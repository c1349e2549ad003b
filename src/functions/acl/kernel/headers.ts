import { be16, bytes, type Packet, range, struct, u8, u16, type u32 } from "iovisor/kernel";
import { EtherType, IpProtocol, Tcp, TcpFlags, Udp, vlanId } from "iovisor/kernel/headers";
import type { Subject } from "./tables.ts";

/** What `vlan` says of frames without a tag. */
export const untagged = 4096;

const Type = struct({ value: be16 });
const Tag = struct({ control: be16, type: be16 });
/** The least that an extension header has; the third field is that of a fragment header. */
const Extension = struct({ next: u8, length: u8, fragment: be16, id: bytes(4) });
const Ports = struct({ source: be16, destination: be16 });
const IcmpStart = struct({ type: u8, code: u8, checksum: be16 });

/** Where a fragment stands in its datagram. */
export const Fragment = { none: 0, first: 1, later: 2 } as const;

const typeAt = 12;

function isTag(type: u32): boolean {
  return type === EtherType.vlan || type === EtherType.serviceVlan;
}

/** Puts in what the frame's header says; of two tags the outer one counts. Gives false when the frame ends within. */
export function putLink(packet: Packet, subject: Subject): boolean {
  const beside = packet.vlanTag;
  let vlan: u32 = beside === undefined ? untagged : vlanId(beside);
  let type = packet.at(typeAt, Type);
  if (!type) return false;
  let offset: u32 = typeAt + Type.size;
  for (const tags of range(2)) {
    if (!isTag(type.value) || (tags === 1 && beside !== undefined)) break;
    const tag = packet.at(offset, Tag);
    if (!tag) return false;
    if (vlan === untagged) vlan = vlanId(tag.control);
    offset += Tag.size;
    const next = packet.at(offset - Type.size, Type);
    if (!next) return false;
    type = next;
  }
  subject.vlan = u16(vlan);
  subject.etherType = type.value;
  subject.offset = u16(offset);
  return true;
}

/** Extension headers that are walked. */
const mostExtensions = 8;

/** What is behind the IPv6 header and its extension headers. */
export interface Upper {
  readonly protocol: u32;
  readonly offset: u32;
  readonly fragment: u32;
  /** "complete", or why the walk ended early. */
  readonly fault: u32;
}

export const Fault = { none: 0, truncated: 1, tooMany: 2 } as const;

const Next = {
  hopByHop: 0,
  routing: 43,
  fragment: 44,
  authentication: 51,
  destinationOptions: 60,
  mobility: 135,
  hostIdentity: 139,
  shim6: 140,
} as const;

function isExtension(next: u32): boolean {
  switch (next) {
    case Next.hopByHop:
    case Next.routing:
    case Next.fragment:
    case Next.authentication:
    case Next.destinationOptions:
    case Next.mobility:
    case Next.hostIdentity:
    case Next.shim6:
      return true;
    default:
      return false;
  }
}

/** Walks the extension headers (RFC 8200, section 4; RFC 4302 for the length of an authentication header). */
export function walkExtensions(packet: Packet, first: u32, start: u32, end: u32): Upper {
  let protocol: u32 = first;
  let offset: u32 = start;
  let fragment: u32 = Fragment.none;
  for (const _ of range(mostExtensions)) {
    if (!isExtension(protocol)) return { protocol, offset, fragment, fault: Fault.none };
    const extension = packet.at(offset, Extension);
    if (!extension) return { protocol, offset, fragment, fault: Fault.truncated };
    const next: u32 = extension.next;
    if (protocol === Next.fragment) {
      const place: u32 = extension.fragment;
      offset += 8;
      if (offset > end) return { protocol, offset, fragment, fault: Fault.truncated };
      if (place >>> 3 !== 0) return { protocol: next, offset, fragment: Fragment.later, fault: Fault.none };
      if ((place & 1) !== 0) fragment = Fragment.first;
    } else if (protocol === Next.authentication) offset += (extension.length + 2) << 2;
    else offset += (extension.length + 1) << 3;
    if (offset > end) return { protocol, offset, fragment, fault: Fault.truncated };
    protocol = next;
  }
  if (isExtension(protocol)) return { protocol, offset, fragment, fault: Fault.tooMany };
  return { protocol, offset, fragment, fault: Fault.none };
}

/** The transport header as the numbers that rules are written in. */
export interface Transport {
  readonly protocol: u32;
  readonly source: u32;
  readonly destination: u32;
}

export const absent = 0x1_0000;
export const icmpStart = 0x2_0000;
/** In a protocol's word: flags are not known. */
export const noFlags = 0x100;

/** The flags that decide most come first, so that "SYN without ACK" is one range of numbers. */
function sortedFlags(flags: u32): u32 {
  return (
    ((flags & TcpFlags.ack) << 3) |
    ((flags & TcpFlags.syn) << 5) |
    ((flags & TcpFlags.rst) << 3) |
    ((flags & TcpFlags.fin) << 4) |
    (flags & TcpFlags.psh) |
    ((flags & TcpFlags.urg) >>> 3) |
    ((flags & TcpFlags.ece) >>> 5) |
    ((flags & TcpFlags.cwr) >>> 7)
  );
}

/** Undefined when the packet ends within its transport header. */
export function transportOf(
  packet: Packet,
  upper: { readonly protocol: u32; readonly offset: u32; readonly fragment: u32 },
  end: u32,
  icmp: u32,
): Transport | undefined {
  const { protocol, offset, fragment } = upper;
  const known = protocol & 0xff;
  const word: u32 = (known << 9) | noFlags;
  if (fragment === Fragment.later) return { protocol: word, source: absent, destination: absent };
  if (protocol === IpProtocol.tcp) {
    const tcp = packet.at(offset, Tcp);
    if (!tcp || offset + Tcp.size > end) return undefined;
    return { protocol: (known << 9) | sortedFlags(tcp.flags), source: tcp.source, destination: tcp.destination };
  }
  if (protocol === IpProtocol.udp) {
    const udp = packet.at(offset, Udp);
    if (!udp || offset + Udp.size > end) return undefined;
    return { protocol: word, source: udp.source, destination: udp.destination };
  }
  if (protocol === icmp) {
    const message = packet.at(offset, IcmpStart);
    if (!message || offset + IcmpStart.size > end) return undefined;
    return { protocol: word, source: icmpStart + message.type, destination: icmpStart + message.code };
  }
  if (protocol === 33 || protocol === 132 || protocol === 136) {
    const ports = packet.at(offset, Ports);
    if (!ports || offset + Ports.size > end) return undefined;
    return { protocol: word, source: ports.source, destination: ports.destination };
  }
  return { protocol: word, source: absent, destination: absent };
}
