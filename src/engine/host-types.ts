import type { KernelMap } from "../kernel/maps.ts";
import type { accepts, contents, described, fits, setting } from "../language/kernel/brands.js";
import type { EventSource } from "./events.ts";
import type { PerCpuMap, TypedMap, TypedQueue } from "./typed-map.ts";

/**
 * What the host sees of a kernel module, inferred from `typeof import("./module.ts")`: numbers below 64 bits are
 * numbers, those of 64 bits bigints, `bytes` Uint8Arrays, arrays arrays, structs plain objects without locks and
 * timers. The module itself is never imported at run time.
 */
export type HostValueOf<T> = T extends boolean
  ? boolean
  : T extends bigint
    ? bigint
    : T extends number
      ? number
      : T extends Indexed<infer Element>
        ? HostElements<Element>
        : T extends object
          ? { [K in keyof T as IsOpaque<T[K]> extends true ? never : K]: HostValueOf<T[K]> }
          : T;

/** `Bytes<N>` and `Elements<T, N>` of the kernel library. */
interface Indexed<Element> {
  readonly length: number;
  [index: number]: Element;
  [Symbol.iterator](): Iterator<Element>;
}

/** Elements of u8 are bytes. */
type HostElements<Element> = Element extends { readonly [fits]?: "u8" } ? Uint8Array : readonly HostValueOf<Element>[];

/** Spin locks and timers are the kernel's own. */
type IsOpaque<T> = T extends number | bigint | boolean
  ? false
  : T extends { readonly [described]?: infer D }
    ? typeof described extends keyof T
      ? [Exclude<D, undefined>] extends ["spinLock" | "timer"]
        ? true
        : false
      : false
    : false;

type PerCpuKind = "perCpuArray" | "perCpuHash" | "lruPerCpuHash";
type KeyedKind = "array" | "hash" | "lruHash" | "lpmTrie" | "devMap" | "devMapHash";

/** The host's object for a map that the kernel library declares. */
export type HostMap<Map> = Map extends {
  readonly [contents]?: infer C;
}
  ? Exclude<C, undefined> extends { readonly kind: infer Kind; readonly key: infer K; readonly value: infer V }
    ? [Kind] extends [KeyedKind]
      ? TypedMap<HostValueOf<K>, HostValueOf<V>>
      : [Kind] extends [PerCpuKind]
        ? PerCpuMap<HostValueOf<K>, HostValueOf<V>>
        : [Kind] extends ["queue" | "stack"]
          ? TypedQueue<HostValueOf<V>>
          : [Kind] extends ["ringBuffer"]
            ? EventSource<HostValueOf<V>>
            : KernelMap
    : never
  : never;

/** Names of the exports of a module that are maps. */
type MapNames<M> = {
  [K in keyof M]: M[K] extends object ? (typeof contents extends keyof M[K] ? K : never) : never;
}[keyof M];

/** `fn.maps`. */
export type HostMaps<M> = unknown extends M ? AnyMaps : { readonly [K in MapNames<M>]: HostMap<M[K]> };

/** The maps of a module whose types are not known. */
export interface AnyMaps {
  readonly [name: string]: AnyMap;
}

/** Any map; `instanceof` tells which. */
export type AnyMap =
  | TypedMap<unknown, unknown>
  | PerCpuMap<unknown, unknown>
  | TypedQueue<unknown>
  | EventSource<unknown>
  | KernelMap;

/** What `fn.events` gives: the events of all ring buffers that the module exports. */
export type HostEvents<M> = unknown extends M
  ? unknown
  : { [K in MapNames<M>]: HostMap<M[K]> extends EventSource<infer E> ? E : never }[MapNames<M>];

/** The settings of a module: those of its export `settings`. */
type SettingsOf<M> = M extends { readonly settings: infer S } ? S : Readonly<Record<never, never>>;

/** `fn.settings`: enums are their names, blocks of addresses and lists as they were given, in canonical form. */
export type HostSettings<M> = unknown extends M
  ? Readonly<Record<string, unknown>>
  : { readonly [K in keyof SettingsOf<M>]: HostSetting<SettingsOf<M>[K]> };

type HostSetting<T> = T extends boolean
  ? boolean
  : T extends bigint
    ? bigint
    : T extends number
      ? number extends T
        ? number
        : string
      : T extends string
        ? T
        : IsList<T> extends true
          ? readonly unknown[]
          : T extends object
            ? { readonly [K in keyof T]: HostSetting<T[K]> }
            : T;

/** `Rules` carry the key `accepts`, sets have a method. */
type IsList<T> = T extends object
  ? typeof accepts extends keyof T
    ? true
    : T extends { has(value: never): boolean }
      ? true
      : typeof setting extends keyof T
        ? true
        : false
  : false;

/** What `load` takes as settings: every one may be left out, and addresses are given as people write them. */
export type GivenSettings<M> = unknown extends M
  ? Readonly<Record<string, unknown>>
  : { readonly [K in keyof SettingsOf<M>]?: GivenSetting<SettingsOf<M>[K]> };

type GivenSetting<T> = T extends boolean
  ? boolean
  : T extends number | bigint
    ? number | bigint | string
    : T extends string
      ? T
      : IsList<T> extends true
        ? readonly (object | number | bigint | string)[]
        : T extends object
          ? string | { readonly [K in keyof T]?: GivenSetting<T[K]> }
          : never;
