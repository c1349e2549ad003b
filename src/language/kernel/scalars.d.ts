import type { described, fits } from "./brands.js";
import type { Setting } from "./config.js";

/** The brand of the integer types: the names of all types that hold every value of this one. */
interface Fits<Names> {
  readonly [fits]?: Names;
}

/** An unsigned 8-bit integer, 0 to 255. Also a layout (1 byte) and a conversion: `u8(x)` keeps the low 8 bits. */
export type u8 = number & Fits<"u8">;
/** An unsigned 16-bit integer. `u16(x)` keeps the low 16 bits. In memory: 2 bytes, native order, aligned. */
export type u16 = number & Fits<"u8" | "u16">;
/** An unsigned 32-bit integer. `u32(x)` keeps the low 32 bits. In memory: 4 bytes, native order, aligned. */
export type u32 = number & Fits<"u8" | "u16" | "u32">;
/** An unsigned 64-bit integer. A bigint whose arithmetic wraps at 64 bits. `u64(x)` makes one of a number or an i64. */
export type u64 = bigint & Fits<"u64">;
/** A signed 8-bit integer, -128 to 127. `i8(x)` keeps the low 8 bits and extends their sign. */
export type i8 = number & Fits<"i8">;
/** A signed 16-bit integer. `i16(x)` keeps the low 16 bits and extends their sign. */
export type i16 = number & Fits<"u8" | "i8" | "i16">;
/** A signed 32-bit integer. `i32(x)` keeps the low 32 bits and extends their sign. */
export type i32 = number & Fits<"u8" | "u16" | "i8" | "i16" | "i32">;
/** A signed 64-bit integer. A bigint whose arithmetic wraps at 64 bits. `i64(x)` makes one of a number or a u64. */
export type i64 = bigint & Fits<"i64">;
/** True or false. In memory: one byte. */
export type bool = boolean;
/** A u16 that lies in memory in network order: read and written in host order. */
export type be16 = u16;
/** A u32 that lies in memory in network order: read and written in host order. */
export type be32 = u32;
/** A u64 that lies in memory in network order: read and written in host order. */
export type be64 = u64;

/** A layout of a scalar, which is also the conversion to it and a setting of it. */
export interface Scalar<T> {
  /** Keeps the value's low bits. Of a bool: 0 or 1. The one way to narrow where the compiler cannot prove a fit. */
  (value: number | bigint | boolean): T;
  /** Bytes in memory. */
  readonly size: u32;
  /** A setting of this type. */
  default(value: T, description?: string): Setting<T>;
  /** A setting of this type whose value must lie between two numbers, both included. */
  between(minimum: T, maximum: T): BoundedScalar<T>;
  readonly [described]?: T;
}

/** A scalar setting with limits. */
export interface BoundedScalar<T> {
  /** A setting of this type. */
  default(value: T, description?: string): Setting<T>;
}

export declare const u8: Scalar<u8>;
export declare const u16: Scalar<u16>;
export declare const u32: Scalar<u32>;
export declare const u64: Scalar<u64>;
export declare const i8: Scalar<i8>;
export declare const i16: Scalar<i16>;
export declare const i32: Scalar<i32>;
export declare const i64: Scalar<i64>;
export declare const be16: Scalar<u16>;
export declare const be32: Scalar<u32>;
export declare const be64: Scalar<u64>;

/** The layout of a boolean, which is also the conversion to it and a setting of it. */
export interface BoolScalar {
  /** False for 0, true for every other number. */
  (value: number | bigint | boolean): boolean;
  /** Bytes in memory: 1. */
  readonly size: u32;
  /** A setting that is on or off. */
  default(value: boolean, description?: string): Setting<boolean>;
  readonly [described]?: boolean;
}

export declare const bool: BoolScalar;

/** The smaller of two numbers, or of two bigints of one type. */
export declare function min<A extends number | bigint, B extends Like<A>>(a: A, b: B): A | B;
/** The larger of two numbers, or of two bigints of one type. */
export declare function max<A extends number | bigint, B extends Like<A>>(a: A, b: B): A | B;
/** What may be compared with it: a bigint that is neither of the two types, such as 5n, with both. */
type Like<A> = A extends number ? number : A extends u64 ? (A extends i64 ? bigint : u64) : i64;

/**
 * The numbers from 0 to `end` (or from `start` to `end`), without the end: for `for (const i of range(8))`. The
 * compiler must be able to prove how many rounds there are at most.
 */
export declare function range(end: number): readonly u32[];
export declare function range(start: number, end: number, step?: number): readonly u32[];
