import { concat, viewOf } from "./octets.ts";

/** The Internet checksum of RFC 1071: the complement of the one's complement sum; an odd last byte counts as high. */
export function internetChecksum(bytes: Uint8Array): number {
  const view = viewOf(bytes);
  let sum = 0;
  for (let at = 0; at + 1 < bytes.length; at += 2) sum += view.getUint16(at);
  if (bytes.length % 2 === 1) sum += bytes[bytes.length - 1]! << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}

/** Source and destination of the network layer, 4 or 16 bytes each. */
export interface Endpoints {
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
}

/**
 * The checksum of a TCP, UDP or ICMPv6 message under the pseudo-header of its network layer (RFC 9293 section 3.1, RFC
 * 8200 section 8.1). The message's own checksum field must be zero. Without endpoints only the message is summed.
 */
export function transportChecksum(endpoints: Endpoints | undefined, protocol: number, message: Uint8Array): number {
  if (!endpoints) return internetChecksum(message);
  const tail = new Uint8Array(8);
  viewOf(tail).setUint32(0, message.length);
  tail[7] = protocol;
  // The IPv4 pseudo-header orders length and protocol the other way round, which a sum does not see.
  return internetChecksum(concat(endpoints.source, endpoints.destination, tail, message));
}
