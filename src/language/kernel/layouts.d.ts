import type { described, region } from "./brands.js";
import type { BoolScalar, Scalar, u8, u32 } from "./scalars.js";

/** How a value of type `T` lies in memory. Calling a struct's layout makes a new value: `Key({ source, port })`. */
export interface Layout<T> {
  /** Bytes in memory, padding included. */
  readonly size: u32;
  readonly [described]?: T;
}

/** A layout with fields. */
export interface StructLayout<T> extends Layout<T> {
  /** A new value of this layout in local storage. Padding is zero, a lock is free, a timer is not armed. */
  (fields: Given<T>): T;
  /** A new value of this layout, all zero. */
  (): T;
}

/** The names of the fields that are objects of the kernel: "spinLock", "timer". */
export type KernelFields<T, What> = keyof {
  [F in keyof T as T[F] extends { readonly [described]?: infer D }
    ? [Exclude<D, undefined>] extends [never]
      ? never
      : [Exclude<D, undefined>] extends [What]
        ? F
        : never
    : never]: F;
};

/** What a new value is given: all its fields but locks and timers. */
export type Given<T> = [KernelFields<T, "spinLock" | "timer">] extends [never]
  ? T
  : Omit<T, KernelFields<T, "spinLock" | "timer">>;

/** Anything that describes memory. */
export type AnyLayout = Scalar<any> | BoolScalar | Bits<any> | Layout<any>;

/** The type of the values that a layout describes: `type Flow = TypeOf<typeof Flow>`. */
export type TypeOf<D> = D extends { readonly [described]?: infer T } ? Exclude<T, undefined> : never;

/** A live reference, or the single value it points to where that is a scalar. */
export type Referable<T> = [T] extends [number | bigint | boolean] ? { value: T } : T;

/** A live view into the packet: absent when the packet is shorter, stale after the packet was changed. */
export type View<T> = Referable<T> & { readonly [region]?: "packet" };

/** A live reference to a map's value, as opposed to the copy that `get` returns. */
export type Ref<T> = Referable<T> & { readonly [region]?: "map" };

/** A number of bytes. Two of them are compared with `equal`, an index must be provably below `length`. */
export interface Bytes<N extends number> {
  readonly length: N;
  [index: number]: u8;
  /** The byte at an index, or undefined when the index is out of range (below zero, too). */
  at(index: number): u8 | undefined;
  [Symbol.iterator](): IterableIterator<u8>;
}

/** A fixed number of elements. An index must be provably below `length`. */
export interface Elements<T, N extends number> {
  readonly length: N;
  [index: number]: T;
  /** The element at an index, or undefined when the index is out of range (below zero, too). */
  at(index: number): T | undefined;
  [Symbol.iterator](): IterableIterator<T>;
}

/** A number of bytes, without alignment: an address of some link layer, a name, a digest. */
export declare function bytes<const N extends number>(length: N): StructLayout<Bytes<N>>;

/** A fixed number of elements of one layout. */
export declare function array<D extends AnyLayout, const N extends number>(
  element: D,
  length: N,
): StructLayout<Elements<TypeOf<D>, N>>;

/** The values of a struct's fields. */
type FieldsOf<F> = { -readonly [K in keyof F]: TypeOf<F[K]> };

/**
 * A structure. Fields lie in order with the alignment that C gives them; `be16`, `be32`, `be64`, `u8` and `bytes` have
 * alignment 1, so that a protocol header lies as its RFC draws it.
 *
 * @example
 * export const Udp = struct({ source: be16, destination: be16, length: be16, checksum: be16 });
 */
export declare function struct<const F extends Readonly<Record<string, AnyLayout>>>(
  fields: F,
): StructLayout<FieldsOf<F>>;

/** Fields that share one place. */
export declare function union<const F extends Readonly<Record<string, AnyLayout>>>(
  fields: F,
): StructLayout<FieldsOf<F>>;

/** A bit field of a struct. */
export interface Bits<T> {
  readonly [described]?: T;
}

/**
 * A field of `width` bits. Bit fields that follow each other fill units of the given integer, the most significant bits
 * first, as RFCs draw them: `struct({ version: bits(u8, 4), headerWords: bits(u8, 4) })`.
 */
export declare function bits<T>(unit: Scalar<T>, width: number): Bits<T>;

/** Named values of an integer. */
export type Enumeration<T, M> = Scalar<T> & { readonly [K in keyof M]: T };

/**
 * An integer in memory whose values have names: `const State = enumeration(u8, { idle: 0, open: 1 })`, then
 * `flow.state === State.open`.
 */
export declare function enumeration<T, const M extends Readonly<Record<string, T>>>(
  scalar: Scalar<T>,
  members: M,
): Enumeration<T, M>;

/** A spin lock inside of a map's value, for `withLock`. Array and hash maps only, once per value. */
export interface SpinLock {
  readonly [described]?: "spinLock";
}

/** A kernel timer inside of a map's value. */
export interface Timer {
  readonly [described]?: "timer";
}

/** The layout of a spin lock: 4 bytes. Linux 5.1. */
export declare const spinLock: Layout<SpinLock>;
/** The layout of a timer: 16 bytes. Linux 5.15. */
export declare const timer: Layout<Timer>;

/** Bytes from the start of a layout to one of its fields. */
export declare function offsetOf<T>(layout: Layout<T>, field: keyof T): u32;

/** A value like this one, wherever it lies. */
type Anywhere<T> = { [K in keyof T as Exclude<K, typeof region>]: T[K] };

/**
 * Whether two values of one layout agree in every byte, wherever they lie. `===` would compare references, which the
 * language refuses.
 */
export declare function equal<T extends object>(a: T, b: Anywhere<T>): boolean;
