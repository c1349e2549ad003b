import type { BinaryStep } from "./alu.ts";

/** 32-bit arithmetic (RFC 9669, section 4.1): the result's high half is zero. x / 0 is 0, x % 0 is x. */
export const alu32Steps: Readonly<Record<string, BinaryStep>> = {
  add: (d, s) => (m) => {
    m.u32[d] = m.u32[d]! + m.u32[s]!;
    m.u32[d + 1] = 0;
  },
  sub: (d, s) => (m) => {
    m.u32[d] = m.u32[d]! - m.u32[s]!;
    m.u32[d + 1] = 0;
  },
  mul: (d, s) => (m) => {
    m.i32[d] = Math.imul(m.i32[d]!, m.i32[s]!);
    m.u32[d + 1] = 0;
  },
  div: (d, s) => (m) => {
    const divisor = m.u32[s]!;
    m.u32[d] = divisor === 0 ? 0 : m.u32[d]! / divisor;
    m.u32[d + 1] = 0;
  },
  sdiv: (d, s) => (m) => {
    const divisor = m.i32[s]!;
    m.i32[d] = divisor === 0 ? 0 : m.i32[d]! / divisor;
    m.u32[d + 1] = 0;
  },
  mod: (d, s) => (m) => {
    const divisor = m.u32[s]!;
    m.u32[d] = divisor === 0 ? m.u32[d]! : m.u32[d]! % divisor;
    m.u32[d + 1] = 0;
  },
  smod: (d, s) => (m) => {
    const divisor = m.i32[s]!;
    m.i32[d] = divisor === 0 ? m.i32[d]! : m.i32[d]! % divisor;
    m.u32[d + 1] = 0;
  },
  or: (d, s) => (m) => {
    m.i32[d] = m.i32[d]! | m.i32[s]!;
    m.u32[d + 1] = 0;
  },
  and: (d, s) => (m) => {
    m.i32[d] = m.i32[d]! & m.i32[s]!;
    m.u32[d + 1] = 0;
  },
  xor: (d, s) => (m) => {
    m.i32[d] = m.i32[d]! ^ m.i32[s]!;
    m.u32[d + 1] = 0;
  },
  lsh: (d, s) => (m) => {
    m.i32[d] = m.i32[d]! << m.i32[s]!;
    m.u32[d + 1] = 0;
  },
  rsh: (d, s) => (m) => {
    m.u32[d] = m.u32[d]! >>> m.i32[s]!;
    m.u32[d + 1] = 0;
  },
  arsh: (d, s) => (m) => {
    m.i32[d] = m.i32[d]! >> m.i32[s]!;
    m.u32[d + 1] = 0;
  },
  neg: (d) => (m) => {
    m.i32[d] = -m.i32[d]!;
    m.u32[d + 1] = 0;
  },
  mov: (d, s) => (m) => {
    m.i32[d] = m.i32[s]!;
    m.u32[d + 1] = 0;
  },
  movsx8: (d, s) => (m) => {
    m.i32[d] = (m.i32[s]! << 24) >> 24;
    m.u32[d + 1] = 0;
  },
  movsx16: (d, s) => (m) => {
    m.i32[d] = (m.i32[s]! << 16) >> 16;
    m.u32[d + 1] = 0;
  },
};
