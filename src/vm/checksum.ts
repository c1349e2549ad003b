/**
 * Internet checksum arithmetic exactly as the kernel does it (include/net/checksum.h), so that the two forms of zero
 * come out alike. Sums are unsigned 32-bit ones' complement numbers over little-endian words.
 */

/** csum_add. */
export function addSums(a: number, b: number): number {
  const sum = a + b;
  return sum > 0xffff_ffff ? sum - 0xffff_ffff : sum;
}

/** csum_sub. */
export function subtractSums(a: number, b: number): number {
  return addSums(a, ~b >>> 0);
}

/** csum_fold: the 16-bit checksum of a sum, complemented. */
export function fold(sum: number): number {
  return ~fold16(sum) & 0xffff;
}

/** csum_from32to16: as {@link fold} without the complement. */
export function fold16(sum: number): number {
  const once = (sum & 0xffff) + (sum >>> 16);
  return ((once & 0xffff) + (once >>> 16)) & 0xffff;
}

/** csum_partial: the sum of `bytes` (padded with a zero byte) added to `seed`. */
export function sumBytes(bytes: Uint8Array, seed = 0): number {
  let sum = seed;
  for (let index = 0; index < bytes.length; index += 4) {
    const low = bytes[index]! | ((bytes[index + 1] ?? 0) << 8);
    const high = (bytes[index + 2] ?? 0) | ((bytes[index + 3] ?? 0) << 8);
    sum = addSums(sum, (low | (high << 16)) >>> 0);
  }
  return sum;
}

/** csum_replace4: the checksum after a change from `from` to `to`. The complement is of 32 bits: never zero. */
export function replace4(check: number, from: number, to: number): number {
  return fold(addSums(subtractSums(~check >>> 0, from), to));
}

/** csum_replace_by_diff: the checksum after a change whose sum is `difference`. */
export function replaceByDifference(check: number, difference: number): number {
  return fold(addSums(difference, ~check >>> 0));
}

/** csum_replace2. */
export function replace2(check: number, from: number, to: number): number {
  return ~add16(add16(~check & 0xffff, ~from & 0xffff), to) & 0xffff;
}

function add16(a: number, b: number): number {
  const sum = a + b;
  return sum > 0xffff ? (sum + 1) & 0xffff : sum;
}
