/** Frames for tests, built by hand with right checksums. */
import { ipToBytes, macToBytes } from "../../src/kernel/netlink/ip.ts";

/** The ends of a frame. MAC addresses default to those of a test network's first wire, from "a" to "b". */
export interface FrameOptions {
  readonly source?: string;
  readonly destination?: string;
  readonly sourceMac?: string;
  readonly destinationMac?: string;
  /** VLAN identifiers, outermost first. */
  readonly vlans?: readonly number[];
  readonly timeToLive?: number;
}

/** A UDP frame over IPv4 or IPv6, by the addresses' family. */
export function udpFrame(
  options: FrameOptions & {
    readonly sourcePort?: number;
    readonly destinationPort?: number;
    readonly payload?: Uint8Array | string;
  } = {},
): Uint8Array {
  const payload =
    typeof options.payload === "string"
      ? new TextEncoder().encode(options.payload)
      : (options.payload ?? new Uint8Array());
  const datagram = new Uint8Array(8 + payload.length);
  const view = new DataView(datagram.buffer);
  view.setUint16(0, options.sourcePort ?? 40000);
  view.setUint16(2, options.destinationPort ?? 7);
  view.setUint16(4, datagram.length);
  datagram.set(payload, 8);
  return ipFrame(options, 17, datagram, 6);
}

/** A TCP segment without options; flags as in the header's low byte: 2 SYN, 16 ACK. */
export function tcpFrame(
  options: FrameOptions & {
    readonly sourcePort?: number;
    readonly destinationPort?: number;
    readonly flags?: number;
    readonly payload?: Uint8Array;
  } = {},
): Uint8Array {
  const payload = options.payload ?? new Uint8Array();
  const segment = new Uint8Array(20 + payload.length);
  const view = new DataView(segment.buffer);
  view.setUint16(0, options.sourcePort ?? 40000);
  view.setUint16(2, options.destinationPort ?? 80);
  view.setUint8(12, 5 << 4);
  view.setUint8(13, options.flags ?? 2);
  view.setUint16(14, 0xffff);
  segment.set(payload, 20);
  return ipFrame(options, 6, segment, 16);
}

/** RFC 1071 checksum of the bytes, added to `start`. */
export function internetChecksum(bytes: Uint8Array, start = 0): number {
  let sum = start;
  for (let index = 0; index < bytes.length; index += 2) sum += ((bytes[index] ?? 0) << 8) | (bytes[index + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function ipFrame(options: FrameOptions, protocol: number, transport: Uint8Array, checksumAt: number): Uint8Array {
  const source = ipToBytes(options.source ?? "192.0.2.1");
  const destination = ipToBytes(options.destination ?? "192.0.2.2");
  const pseudo = Uint8Array.of(...source, ...destination, 0, protocol, transport.length >>> 8, transport.length & 0xff);
  const checksum = internetChecksum(Uint8Array.of(...pseudo, ...transport));
  // A computed zero is sent as all ones: zero means no checksum (RFC 768).
  new DataView(transport.buffer).setUint16(checksumAt, checksum || 0xffff);
  const hops = options.timeToLive ?? 64;
  const header =
    source.length === 4
      ? ipv4Header(source, destination, protocol, transport.length, hops)
      : ipv6Header(source, destination, protocol, transport.length, hops);
  const type = source.length === 4 ? 0x0800 : 0x86dd;
  return Uint8Array.of(...linkHeader(options, type), ...header, ...transport);
}

function linkHeader(options: FrameOptions, type: number): number[] {
  const tags = (options.vlans ?? []).flatMap((vlan) => [0x81, 0x00, vlan >>> 8, vlan & 0xff]);
  return [
    ...macToBytes(options.destinationMac ?? "02:00:00:00:01:02"),
    ...macToBytes(options.sourceMac ?? "02:00:00:00:01:01"),
    ...tags,
    type >>> 8,
    type & 0xff,
  ];
}

function ipv4Header(source: Uint8Array, destination: Uint8Array, protocol: number, length: number, hops: number) {
  const total = 20 + length;
  const header = Uint8Array.of(
    0x45,
    0,
    total >>> 8,
    total & 0xff,
    0,
    0,
    0x40,
    0,
    hops,
    protocol,
    0,
    0,
    ...source,
    ...destination,
  );
  new DataView(header.buffer).setUint16(10, internetChecksum(header));
  return header;
}

function ipv6Header(source: Uint8Array, destination: Uint8Array, protocol: number, length: number, hops: number) {
  return Uint8Array.of(0x60, 0, 0, 0, length >>> 8, length & 0xff, protocol, hops, ...source, ...destination);
}
