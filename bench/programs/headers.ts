/** Layouts that several programs use, as their RFCs draw them. */
import { be16, be32, bits, bytes, struct, u8 } from "iovisor/kernel";

export const Ethernet = struct({ destination: bytes(6), source: bytes(6), type: be16 });
export const Vlan = struct({ control: be16, type: be16 });
export const Ipv4 = struct({
  version: bits(u8, 4),
  headerWords: bits(u8, 4),
  tos: u8,
  length: be16,
  id: be16,
  fragment: be16,
  ttl: u8,
  protocol: u8,
  checksum: be16,
  source: be32,
  destination: be32,
});
export const Ipv6 = struct({
  version: bits(u8, 4),
  classHigh: bits(u8, 4),
  classLow: bits(u8, 4),
  flowHigh: bits(u8, 4),
  flowLow: be16,
  length: be16,
  next: u8,
  hops: u8,
  source: bytes(16),
  destination: bytes(16),
});
export const Ports = struct({ source: be16, destination: be16 });
export const Tcp = struct({
  source: be16,
  destination: be16,
  sequence: be32,
  acknowledgement: be32,
  headerWords: bits(u8, 4),
  reserved: bits(u8, 4),
  flags: u8,
  window: be16,
  checksum: be16,
  urgent: be16,
});
export const Udp = struct({ source: be16, destination: be16, length: be16, checksum: be16 });

export const EtherType = { ipv4: 0x0800, vlan: 0x8100, ipv6: 0x86dd, serviceVlan: 0x88a8 } as const;
export const Protocol = { tcp: 6, udp: 17 } as const;
export const TcpFlag = { fin: 0x01, syn: 0x02, ack: 0x10 } as const;
