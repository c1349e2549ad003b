import type { Machine } from "../machine.ts";

/** Whether a conditional jump is taken, from the word indices of its registers. */
export type Comparison = (m: Machine, d: number, s: number) => boolean;

/** 64-bit comparisons on word pairs. */
export const compare64: Readonly<Record<string, Comparison>> = {
  eq: (m, d, s) => m.i32[d] === m.i32[s] && m.i32[d + 1] === m.i32[s + 1],
  ne: (m, d, s) => m.i32[d] !== m.i32[s] || m.i32[d + 1] !== m.i32[s + 1],
  set: (m, d, s) => (m.i32[d]! & m.i32[s]!) !== 0 || (m.i32[d + 1]! & m.i32[s + 1]!) !== 0,
  gt: (m, d, s) => above(m, d, s),
  ge: (m, d, s) => !above(m, s, d),
  lt: (m, d, s) => above(m, s, d),
  le: (m, d, s) => !above(m, d, s),
  sgt: (m, d, s) => greater(m, d, s),
  sge: (m, d, s) => !greater(m, s, d),
  slt: (m, d, s) => greater(m, s, d),
  sle: (m, d, s) => !greater(m, d, s),
};

/** 32-bit comparisons of the low words. */
export const compare32: Readonly<Record<string, Comparison>> = {
  eq: (m, d, s) => m.i32[d] === m.i32[s],
  ne: (m, d, s) => m.i32[d] !== m.i32[s],
  set: (m, d, s) => (m.i32[d]! & m.i32[s]!) !== 0,
  gt: (m, d, s) => m.u32[d]! > m.u32[s]!,
  ge: (m, d, s) => m.u32[d]! >= m.u32[s]!,
  lt: (m, d, s) => m.u32[d]! < m.u32[s]!,
  le: (m, d, s) => m.u32[d]! <= m.u32[s]!,
  sgt: (m, d, s) => m.i32[d]! > m.i32[s]!,
  sge: (m, d, s) => m.i32[d]! >= m.i32[s]!,
  slt: (m, d, s) => m.i32[d]! < m.i32[s]!,
  sle: (m, d, s) => m.i32[d]! <= m.i32[s]!,
};

function above(m: Machine, d: number, s: number): boolean {
  const left = m.u32[d + 1]!;
  const right = m.u32[s + 1]!;
  return left > right || (left === right && m.u32[d]! > m.u32[s]!);
}

function greater(m: Machine, d: number, s: number): boolean {
  const left = m.i32[d + 1]!;
  const right = m.i32[s + 1]!;
  return left > right || (left === right && m.u32[d]! > m.u32[s]!);
}
