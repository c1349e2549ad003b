import type { BinaryStep } from "./alu.ts";
import { divide, multiply, remainder } from "./arithmetic64.ts";

/** 64-bit arithmetic (RFC 9669, section 4.1) on word pairs. x / 0 is 0, x % 0 is x. */
export const alu64Steps: Readonly<Record<string, BinaryStep>> = {
  add: (d, s) => (m) => {
    const low = m.u32[d]! + m.u32[s]!;
    m.i32[d + 1] = m.i32[d + 1]! + m.i32[s + 1]! + (low > 0xffff_ffff ? 1 : 0);
    m.u32[d] = low;
  },
  sub: (d, s) => (m) => {
    const low = m.u32[d]! - m.u32[s]!;
    m.i32[d + 1] = m.i32[d + 1]! - m.i32[s + 1]! - (low < 0 ? 1 : 0);
    m.u32[d] = low;
  },
  mul: (d, s) => (m) => multiply(m, d, s),
  div: (d, s) => (m) => divide(m, d, s),
  mod: (d, s) => (m) => remainder(m, d, s),
  sdiv: (d, s) => (m) => {
    const divisor = m.i64[s >> 1]!;
    m.i64[d >> 1] = divisor === 0n ? 0n : m.i64[d >> 1]! / divisor;
  },
  smod: (d, s) => (m) => {
    const divisor = m.i64[s >> 1]!;
    if (divisor !== 0n) {
      m.i64[d >> 1] = m.i64[d >> 1]! % divisor;
    }
  },
  or: (d, s) => (m) => {
    m.i32[d] = m.i32[d]! | m.i32[s]!;
    m.i32[d + 1] = m.i32[d + 1]! | m.i32[s + 1]!;
  },
  and: (d, s) => (m) => {
    m.i32[d] = m.i32[d]! & m.i32[s]!;
    m.i32[d + 1] = m.i32[d + 1]! & m.i32[s + 1]!;
  },
  xor: (d, s) => (m) => {
    m.i32[d] = m.i32[d]! ^ m.i32[s]!;
    m.i32[d + 1] = m.i32[d + 1]! ^ m.i32[s + 1]!;
  },
  lsh: (d, s) => (m) => {
    const count = m.i32[s]! & 63;
    const low = m.i32[d]!;
    if (count >= 32) {
      m.i32[d + 1] = low << (count - 32);
      m.i32[d] = 0;
    } else if (count > 0) {
      m.i32[d + 1] = (m.i32[d + 1]! << count) | (low >>> (32 - count));
      m.i32[d] = low << count;
    }
  },
  rsh: (d, s) => (m) => {
    const count = m.i32[s]! & 63;
    const high = m.i32[d + 1]!;
    if (count >= 32) {
      m.i32[d] = high >>> (count - 32);
      m.i32[d + 1] = 0;
    } else if (count > 0) {
      m.i32[d] = (m.i32[d]! >>> count) | (high << (32 - count));
      m.i32[d + 1] = high >>> count;
    }
  },
  arsh: (d, s) => (m) => {
    const count = m.i32[s]! & 63;
    const high = m.i32[d + 1]!;
    if (count >= 32) {
      m.i32[d] = high >> (count - 32);
      m.i32[d + 1] = high >> 31;
    } else if (count > 0) {
      m.i32[d] = (m.i32[d]! >>> count) | (high << (32 - count));
      m.i32[d + 1] = high >> count;
    }
  },
  neg: (d) => (m) => {
    const low = m.i32[d]!;
    m.i32[d + 1] = low === 0 ? -m.i32[d + 1]! : ~m.i32[d + 1]!;
    m.i32[d] = -low;
  },
  mov: (d, s) => (m) => {
    m.i32[d] = m.i32[s]!;
    m.i32[d + 1] = m.i32[s + 1]!;
  },
  movsx8: (d, s) => (m) => {
    const low = (m.i32[s]! << 24) >> 24;
    m.i32[d] = low;
    m.i32[d + 1] = low >> 31;
  },
  movsx16: (d, s) => (m) => {
    const low = (m.i32[s]! << 16) >> 16;
    m.i32[d] = low;
    m.i32[d + 1] = low >> 31;
  },
  movsx32: (d, s) => (m) => {
    const low = m.i32[s]!;
    m.i32[d] = low;
    m.i32[d + 1] = low >> 31;
  },
};
