/** Integer types of the language and what is known of a generated expression's value. */

export const narrowNames = ["u8", "u16", "u32", "i8", "i16", "i32"] as const;
export type Narrow = (typeof narrowNames)[number];
export type Wide = "u64" | "i64";

export interface Range {
  readonly low: bigint;
  readonly high: bigint;
}

export const limits: Readonly<Record<Narrow | Wide, Range>> = {
  u8: { low: 0n, high: 0xffn },
  u16: { low: 0n, high: 0xffffn },
  u32: { low: 0n, high: 0xffff_ffffn },
  i8: { low: -0x80n, high: 0x7fn },
  i16: { low: -0x8000n, high: 0x7fffn },
  i32: { low: -0x8000_0000n, high: 0x7fff_ffffn },
  u64: { low: 0n, high: 0xffff_ffff_ffff_ffffn },
  i64: { low: -0x8000_0000_0000_0000n, high: 0x7fff_ffff_ffff_ffffn },
};

/** Which declared types tsc lets flow into which without a conversion (scalars.d.ts). */
const flowsInto: Readonly<Record<Narrow, readonly Narrow[]>> = {
  u8: ["u8", "u16", "u32", "i16", "i32"],
  u16: ["u16", "u32", "i32"],
  u32: ["u32"],
  i8: ["i8", "i16", "i32"],
  i16: ["i16", "i32"],
  i32: ["i32"],
};

/** A generated expression of type `number`. */
export interface NumberExpression extends Range {
  readonly text: string;
  /** The branded types that tsc may see; none after arithmetic. */
  readonly brands: readonly Narrow[];
  /** Whether tsc sees literal types, which do not compare with other literals. */
  readonly literal: boolean;
}

/** A generated bigint expression. */
export interface WideExpression {
  readonly text: string;
  readonly literal: boolean;
}

export function fits(value: Range, into: Range): boolean {
  return value.low >= into.low && value.high <= into.high;
}

/** Whether tsc and the range both let a value go where this type is declared. */
export function assignable(value: NumberExpression, target: Narrow): boolean {
  return fits(value, limits[target]) && value.brands.every((brand) => flowsInto[brand].includes(target));
}

/** Whether tsc compares (and infers one type argument from) two values. */
export function related(left: NumberExpression, right: NumberExpression): boolean {
  return left.brands.every((a) => right.brands.every((b) => flowsInto[a].includes(b) || flowsInto[b].includes(a)));
}

/** Exact results stay well inside of a signed 64-bit register. */
const roomy: Range = { low: -(1n << 62n), high: 1n << 62n };

export function staysExact(range: Range): boolean {
  return fits(range, roomy);
}

export function add(a: Range, b: Range): Range {
  return { low: a.low + b.low, high: a.high + b.high };
}

export function subtract(a: Range, b: Range): Range {
  return { low: a.low - b.high, high: a.high - b.low };
}

export function multiply(a: Range, b: Range): Range {
  const products = [a.low * b.low, a.low * b.high, a.high * b.low, a.high * b.high];
  return hull(products);
}

function hull(values: readonly bigint[]): Range {
  return {
    low: values.reduce((least, value) => (value < least ? value : least)),
    high: values.reduce((most, value) => (value > most ? value : most)),
  };
}

export function union(a: Range, b: Range): Range {
  return hull([a.low, a.high, b.low, b.high]);
}

/** The least all-ones number that is not less than a value. */
function onesAbove(value: bigint): bigint {
  let ones = 0n;
  while (ones < value) ones = (ones << 1n) | 1n;
  return ones;
}

/** Bitwise operations work on 32 bits. Operands that fit u32 keep their bounds. */
export function bitwise(operator: "&" | "|" | "^", a: Range, b: Range): Range {
  if (!fits(a, limits.u32) || !fits(b, limits.u32)) return limits.u32;
  const larger = a.high > b.high ? a.high : b.high;
  if (operator === "&") return { low: 0n, high: a.high < b.high ? a.high : b.high };
  return { low: 0n, high: onesAbove(larger) };
}

/** x % 0 is x. */
export function remainder(a: Range, b: Range): Range {
  const largest = b.high > -b.low ? b.high : -b.low;
  const mayBeZero = b.low <= 0n && b.high >= 0n;
  const bound = largest - 1n;
  const high = a.high <= 0n ? 0n : mayBeZero || a.high < bound ? a.high : bound;
  const low = a.low >= 0n ? 0n : mayBeZero || a.low > -bound ? a.low : -bound;
  return { low, high };
}
