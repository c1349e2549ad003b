import type { Machine } from "../machine.ts";

/** r[d] *= r[s] modulo 2^64. */
export function multiply(m: Machine, d: number, s: number): void {
  const low = m.u32[d]!;
  const otherLow = m.u32[s]!;
  const cross = Math.imul(low, m.i32[s + 1]!) + Math.imul(m.i32[d + 1]!, otherLow);
  m.i32[d + 1] = cross + highProduct(low, otherLow);
  m.i32[d] = Math.imul(low, otherLow);
}

/** r[d] /= r[s], unsigned; by zero gives zero. */
export function divide(m: Machine, d: number, s: number): void {
  if ((m.i32[d + 1]! | m.i32[s + 1]!) === 0) {
    const divisor = m.u32[s]!;
    m.u32[d] = divisor === 0 ? 0 : m.u32[d]! / divisor;
    return;
  }
  const divisor = m.u64[s >> 1]!;
  m.u64[d >> 1] = divisor === 0n ? 0n : m.u64[d >> 1]! / divisor;
}

/** r[d] %= r[s], unsigned; by zero leaves r[d]. */
export function remainder(m: Machine, d: number, s: number): void {
  if ((m.i32[d + 1]! | m.i32[s + 1]!) === 0) {
    const divisor = m.u32[s]!;
    m.u32[d] = divisor === 0 ? m.u32[d]! : m.u32[d]! % divisor;
    return;
  }
  const divisor = m.u64[s >> 1]!;
  if (divisor !== 0n) {
    m.u64[d >> 1] = m.u64[d >> 1]! % divisor;
  }
}

/** Bits 32..63 of the product of two unsigned 32-bit numbers, by halves, since a double holds only 53 bits. */
function highProduct(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + (((aLow * bLow) / 0x10000) >>> 0);
  const other = aLow * bHigh + (middle & 0xffff);
  return aHigh * bHigh + ((middle / 0x10000) >>> 0) + ((other / 0x10000) >>> 0);
}
