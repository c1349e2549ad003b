/**
 * Protocol headers as layouts, the numbers that go with them, and pure functions of them. Ordinary kernel TypeScript:
 * only what a program uses becomes part of it.
 */
import { be16, be32, be64, bits, bytes, struct, type TypeOf, u8, u16, u32, union } from "iovisor/kernel";

/** Ethernet II: IEEE 802.3, clause 3. */
export const Ethernet = struct({ destination: bytes(6), source: bytes(6), type: be16 });

/** What follows the MAC addresses of a tagged frame's 0x8100: IEEE 802.1Q, clause 9.6. */
export const Vlan = struct({ control: be16, type: be16 });

/** The VLAN id of a tag's control information. */
export function vlanId(control: number): number {
  return control & 0x0fff;
}

/** The priority (PCP) of a tag's control information. */
export function vlanPriority(control: number): number {
  return (control >>> 13) & 7;
}

/** ARP for IPv4 over Ethernet: RFC 826. */
export const Arp = struct({
  hardwareType: be16,
  protocolType: be16,
  hardwareLength: u8,
  protocolLength: u8,
  operation: be16,
  senderMac: bytes(6),
  senderAddress: be32,
  targetMac: bytes(6),
  targetAddress: be32,
});

export const ArpOperation = { request: 1, reply: 2 } as const;

/** IPv4 without options: RFC 791, section 3.1. */
export const Ipv4 = struct({
  version: bits(u8, 4),
  /** Header length in units of four bytes, 5 to 15. */
  headerWords: bits(u8, 4),
  dscp: bits(u8, 6),
  ecn: bits(u8, 2),
  length: be16,
  id: be16,
  /** Three flags and the fragment's offset in units of eight bytes. */
  fragment: be16,
  ttl: u8,
  protocol: u8,
  checksum: be16,
  source: be32,
  destination: be32,
});
export type Ipv4 = TypeOf<typeof Ipv4>;

export const Ipv4Fragment = { dontFragment: 0x4000, moreFragments: 0x2000, offsetMask: 0x1fff } as const;

/** Bytes of an IPv4 header with its options: 20 to 60 in a valid one. */
export function ipv4HeaderLength(ip: Ipv4): u32 {
  return ip.headerWords << 2;
}

/** Whether the packet is a fragment other than the first one: it has no transport header. */
export function isLaterFragment(ip: Ipv4): boolean {
  return (ip.fragment & Ipv4Fragment.offsetMask) !== 0;
}

/** IPv6's fixed header: RFC 8200, section 3. */
export const Ipv6 = struct({
  version: bits(be32, 4),
  trafficClass: bits(be32, 8),
  flowLabel: bits(be32, 20),
  /** Bytes behind this header. */
  payloadLength: be16,
  nextHeader: u8,
  hopLimit: u8,
  source: bytes(16),
  destination: bytes(16),
});

/** Hop-by-hop, routing and destination options: RFC 8200, section 4. */
export const Ipv6Extension = struct({
  nextHeader: u8,
  /** In units of eight bytes, without the first eight. */
  length: u8,
});
export type Ipv6Extension = TypeOf<typeof Ipv6Extension>;

/** Bytes of an extension header. */
export function ipv6ExtensionLength(extension: Ipv6Extension): u32 {
  return (extension.length + 1) << 3;
}

/** RFC 8200, section 4.5. */
export const Ipv6Fragment = struct({ nextHeader: u8, reserved: u8, fragment: be16, id: be32 });

/** TCP without options: RFC 9293, section 3.1. */
export const Tcp = struct({
  source: be16,
  destination: be16,
  sequence: be32,
  acknowledgment: be32,
  /** Header length in units of four bytes, 5 to 15. */
  headerWords: bits(u8, 4),
  reserved: bits(u8, 4),
  flags: u8,
  window: be16,
  checksum: be16,
  urgent: be16,
});
export type Tcp = TypeOf<typeof Tcp>;

export const TcpFlags = {
  fin: 0x01,
  syn: 0x02,
  rst: 0x04,
  psh: 0x08,
  ack: 0x10,
  urg: 0x20,
  ece: 0x40,
  cwr: 0x80,
} as const;

/** Bytes of a TCP header with its options: 20 to 60 in a valid one. */
export function tcpHeaderLength(tcp: Tcp): u32 {
  return tcp.headerWords << 2;
}

/** RFC 768. */
export const Udp = struct({ source: be16, destination: be16, length: be16, checksum: be16 });

/** What TCP, UDP, SCTP and UDP-Lite start with. */
export const Ports = struct({ source: be16, destination: be16 });

/** RFC 792. */
export const Icmp = struct({ type: u8, code: u8, checksum: be16, rest: be32 });

export const IcmpType = { echoReply: 0, unreachable: 3, redirect: 5, echoRequest: 8, timeExceeded: 11 } as const;

/** RFC 4443. */
export const Icmpv6 = struct({ type: u8, code: u8, checksum: be16, rest: be32 });

export const Icmpv6Type = {
  unreachable: 1,
  packetTooBig: 2,
  timeExceeded: 3,
  echoRequest: 128,
  echoReply: 129,
  routerSolicitation: 133,
  routerAdvertisement: 134,
  neighborSolicitation: 135,
  neighborAdvertisement: 136,
} as const;

/** RFC 7348, section 5. */
export const Vxlan = struct({ flags: u8, reserved: bytes(3), vni: bits(be32, 24), reserved2: bits(be32, 8) });

/** RFC 2784 without the optional fields. */
export const Gre = struct({ flags: be16, protocol: be16 });

/** RFC 1035, section 4.1.1. */
export const Dns = struct({ id: be16, flags: be16, questions: be16, answers: be16, authority: be16, additional: be16 });

/** IEEE 802 numbers, as IANA lists them. */
export const EtherType = {
  ipv4: 0x0800,
  arp: 0x0806,
  vlan: 0x8100,
  ipv6: 0x86dd,
  mpls: 0x8847,
  serviceVlan: 0x88a8,
} as const;

/** IANA's protocol numbers. */
export const IpProtocol = {
  hopByHop: 0,
  icmp: 1,
  ipip: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  routing: 43,
  fragment: 44,
  gre: 47,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  noNext: 59,
  destinationOptions: 60,
  sctp: 132,
} as const;

/** An address of either family, in a `FibLookup`. */
const FibAddress = union({ ipv4: be32, ipv6: struct({ high: be64, low: be64 }) });

/**
 * What `packet.fibLookup` asks the kernel and is answered: struct bpf_fib_lookup, include/uapi/linux/bpf.h.
 *
 * Asked for: `family`; `ifindex`, the device that the packet came in on; `source` and `destination`; `length` of the IP
 * packet, held against the MTU of the way (0: not, and at TCX the packet's own against the MTU of the device); for
 * rules and for the choice among several ways `protocol`, `sourcePort`, `destinationPort`, and `flow`: the IPv4
 * header's DSCP and ECN in its highest byte, or the IPv6 header's traffic class and flow label.
 */
export const FibLookup = struct({
  /** An `AddressFamily`; of the next hop afterwards. */
  family: u8,
  protocol: u8,
  sourcePort: be16,
  destinationPort: be16,
  /** Afterwards the MTU, where it was looked at. */
  length: u16,
  /** Afterwards the device that the packet is to leave by. */
  ifindex: u32,
  /** Afterwards the metric of the route, in the byte order of this machine. */
  flow: be32,
  source: FibAddress,
  /** Afterwards the address of the next hop. */
  destination: FibAddress,
  unused: u32,
  sourceMac: bytes(6),
  destinationMac: bytes(6),
});
export type FibLookup = TypeOf<typeof FibLookup>;

export const AddressFamily = { ipv4: 2, ipv6: 10 } as const;

/** What `packet.fibLookup` gives: BPF_FIB_LKUP_RET_*, include/uapi/linux/bpf.h. */
export const FibResult = {
  /** It is forwarded: device and MAC addresses are there. */
  success: 0,
  blackhole: 1,
  unreachable: 2,
  prohibit: 3,
  /** It is for this host, or a broadcast, or there is no route. */
  notForwarded: 4,
  /** The device that it came in on does not forward. */
  forwardingDisabled: 5,
  /** The route puts it into a tunnel by itself. */
  unsupportedTunnel: 6,
  noNeighbour: 7,
  fragmentationNeeded: 8,
  noSource: 9,
} as const;
