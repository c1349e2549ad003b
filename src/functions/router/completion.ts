/** Checksums that a sender of this machine left for a device to complete. */
import { transportChecksum } from "../../capture/checksum.ts";
import { linkHeader, viewOf } from "./frames.ts";

/** Where a protocol has its checksum. */
const fields: Readonly<Record<number, number>> = { 6: 16, 17: 6 };

/**
 * The frame with its checksum completed. What has only the sum of the pseudo-header in its place (CHECKSUM_PARTIAL,
 * include/linux/skbuff.h) was left like that: the kernel's note of it is lost when a frame is read and sent again.
 */
export function completed(frame: Uint8Array): Uint8Array {
  const ip = frame.subarray(linkHeader);
  const view = viewOf(ip);
  const isIpv4 = ip[0]! >> 4 === 4;
  const protocol = ip[isIpv4 ? 9 : 6]!;
  const field = fields[protocol];
  if (field === undefined || (isIpv4 && (view.getUint16(6) & 0x3fff) !== 0)) return frame;
  const start = isIpv4 ? (ip[0]! & 15) * 4 : 40;
  const end = isIpv4 ? view.getUint16(2) : 40 + view.getUint16(4);
  if (start + field + 2 > end || end > ip.length) return frame;
  const ends = isIpv4
    ? { source: ip.subarray(12, 16), destination: ip.subarray(16, 20) }
    : { source: ip.subarray(8, 24), destination: ip.subarray(24, 40) };
  const message = ip.slice(start, end);
  const partial = ~transportChecksum(ends, protocol, new Uint8Array(0)) & 0xffff;
  if (viewOf(message).getUint16(field) !== fold(partial + message.length)) return frame;
  viewOf(message).setUint16(field, 0);
  // RFC 768: 0 would say that there is none.
  const checksum = transportChecksum(ends, protocol, message) || 0xffff;
  const whole = frame.slice();
  viewOf(whole).setUint16(linkHeader + start + field, checksum);
  return whole;
}

function fold(sum: number): number {
  return sum > 0xffff ? (sum & 0xffff) + 1 : sum;
}
