import type { u16 } from "iovisor/kernel";

/** A ones' complement sum of at most 2^48, folded to 16 bits. */
export function fold(sum: number): u16 {
  const once = (sum & 0xffff) + (sum >> 16);
  const twice = (once & 0xffff) + (once >> 16);
  return ((twice & 0xffff) + (twice >> 16)) & 0xffff;
}
