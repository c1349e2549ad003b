import type { BinaryOp, CompareOp, UnaryOp, Width } from "../ir/ir.ts";

/** The machine's arithmetic on constants (RFC 9669, section 4): values are unsigned 64-bit bigints. */

const all = (1n << 64n) - 1n;

export function foldBinary(op: BinaryOp, width: Width, left: bigint, right: bigint): bigint {
  const a = BigInt.asUintN(width, left);
  const b = BigInt.asUintN(width, right);
  const count = b & BigInt(width - 1);
  const signedA = BigInt.asIntN(width, a);
  const signedB = BigInt.asIntN(width, b);
  const wrap = (value: bigint): bigint => BigInt.asUintN(width, value);
  switch (op) {
    case "add":
      return wrap(a + b);
    case "sub":
      return wrap(a - b);
    case "mul":
      return wrap(a * b);
    case "udiv":
      return b === 0n ? 0n : a / b;
    case "umod":
      return b === 0n ? a : a % b;
    case "sdiv":
      return b === 0n ? 0n : wrap(signedA / signedB);
    case "smod":
      return b === 0n ? a : wrap(signedA % signedB);
    case "and":
      return a & b;
    case "or":
      return a | b;
    case "xor":
      return a ^ b;
    case "shl":
      return wrap(a << count);
    case "lshr":
      return a >> count;
    case "ashr":
      return wrap(signedA >> count);
  }
}

const extensions: Readonly<Record<"zext8" | "zext16" | "zext32" | "sext8" | "sext16" | "sext32", number>> = {
  zext8: 8,
  zext16: 16,
  zext32: 32,
  sext8: 8,
  sext16: 16,
  sext32: 32,
};

export function foldUnary(op: UnaryOp, value: bigint): bigint {
  switch (op) {
    case "neg":
      return BigInt.asUintN(64, -value);
    case "neg32":
      return BigInt.asUintN(32, -value);
    case "bswap16":
      return reverseBytes(value, 2);
    case "bswap32":
      return reverseBytes(value, 4);
    case "bswap64":
      return reverseBytes(value, 8);
    case "zext8":
    case "zext16":
    case "zext32":
      return BigInt.asUintN(extensions[op], value);
    case "sext8":
    case "sext16":
    case "sext32":
      return BigInt.asUintN(64, BigInt.asIntN(extensions[op], value));
    case "remember":
      return value;
  }
}

export function reverseBytes(value: bigint, bytes: number): bigint {
  let result = 0n;
  for (let index = 0; index < bytes; index++) result = (result << 8n) | ((value >> BigInt(8 * index)) & 0xffn);
  return result;
}

export function foldCompare(op: CompareOp, width: Width, left: bigint, right: bigint): boolean {
  const a = BigInt.asUintN(width, left);
  const b = BigInt.asUintN(width, right);
  const signedA = BigInt.asIntN(width, a);
  const signedB = BigInt.asIntN(width, b);
  switch (op) {
    case "eq":
      return a === b;
    case "ne":
      return a !== b;
    case "ult":
      return a < b;
    case "ule":
      return a <= b;
    case "ugt":
      return a > b;
    case "uge":
      return a >= b;
    case "slt":
      return signedA < signedB;
    case "sle":
      return signedA <= signedB;
    case "sgt":
      return signedA > signedB;
    case "sge":
      return signedA >= signedB;
    case "test":
      return (a & b) !== 0n;
  }
}

/** All bits up to the highest one of `value`: what an `and` with fewer must keep. */
export function maskCovering(value: bigint): bigint {
  let mask = value;
  for (let shift = 1n; shift < 64n; shift <<= 1n) mask |= mask >> shift;
  return mask & all;
}
