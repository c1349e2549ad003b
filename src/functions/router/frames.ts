/** Frames that the host side sends: ARP (RFC 826), neighbour solicitations (RFC 4861), and what all of them share. */
import { internetChecksum, transportChecksum } from "../../capture/checksum.ts";

export const linkHeader = 14;
export const etherTypes = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd } as const;
export const broadcastMac = new Uint8Array(6).fill(0xff);

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function ethernet(destination: Uint8Array, source: Uint8Array, type: number, payload: Uint8Array): Uint8Array {
  return concat(destination, source, Uint8Array.of(type >> 8, type & 0xff), payload);
}

/** An IPv4 packet with a header of 20 bytes. 0xc0: internetwork control (RFC 1812, section 4.3.2.5). */
export function ipv4(source: Uint8Array, destination: Uint8Array, protocol: number, payload: Uint8Array): Uint8Array {
  const header = concat(new Uint8Array(12), source, destination);
  const view = viewOf(header);
  header.set([0x45, 0xc0]);
  view.setUint16(2, header.length + payload.length);
  header.set([64, protocol], 8);
  view.setUint16(10, internetChecksum(header));
  return concat(header, payload);
}

/** An IPv6 packet with an ICMPv6 message, whose checksum is computed. */
export function icmpv6(source: Uint8Array, destination: Uint8Array, hopLimit: number, message: Uint8Array): Uint8Array {
  const protocol = 58;
  const header = concat(Uint8Array.of(0x60, 0, 0, 0, 0, 0, protocol, hopLimit), source, destination);
  viewOf(header).setUint16(4, message.length);
  const body = message.slice();
  viewOf(body).setUint16(2, transportChecksum({ source, destination }, protocol, body));
  return concat(header, body);
}

export interface Asker {
  readonly mac: Uint8Array;
  readonly address: Uint8Array;
}

/** Who has an IPv4 address? To everybody, or to the station that had it. */
export function arpRequest(asker: Asker, target: Uint8Array, station: Uint8Array = broadcastMac): Uint8Array {
  const fields = Uint8Array.of(0, 1, 8, 0, 6, 4, 0, 1);
  const body = concat(fields, asker.mac, asker.address, new Uint8Array(6), target);
  return ethernet(station, asker.mac, etherTypes.arp, body);
}

/** The same for IPv6; without a station to the group that the target's last three bytes make: RFC 4291, 2.7.1. */
export function neighbourSolicitation(asker: Asker, target: Uint8Array, station?: Uint8Array): Uint8Array {
  const tail = target.subarray(13);
  const group = concat(Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff), tail);
  const message = concat(Uint8Array.of(135, 0, 0, 0, 0, 0, 0, 0), target, Uint8Array.of(1, 1), asker.mac);
  const packet = icmpv6(asker.address, station ? target : group, 255, message);
  return ethernet(station ?? concat(Uint8Array.of(0x33, 0x33, 0xff), tail), asker.mac, etherTypes.ipv6, packet);
}
