import type { contents } from "./brands.js";
import type { AnyLayout, Bytes, Given, KernelFields, Ref, SpinLock, TypeOf } from "./layouts.js";
import type { Packet, Verdict } from "./packet.js";
import type { u32, u64 } from "./scalars.js";

/** How `iovisor run` shows a map. */
export interface Display {
  /** A heading instead of the map's name. */
  readonly title?: string;
  /** "table" is the usual; "histogram": values are counts and keys are powers of two; "hidden": not at all. */
  readonly show?: "table" | "histogram" | "hidden";
}

/** What a map with keys is declared with. */
export interface KeyedOptions<K, V> extends Display {
  /** The layout of the keys. A struct may have no padding, since the kernel compares every byte. */
  readonly key: K;
  /** The layout of the values. */
  readonly value: V;
  /** How many entries fit. */
  readonly maxEntries: number;
}

/** What a map without keys of its own is declared with. */
export interface ElementOptions<V> extends Display {
  /** The layout of the elements. */
  readonly value: V;
  /** How many elements there are. They all exist from the start, zeroed. */
  readonly maxEntries: number;
}

/** A map from keys to values. The host sees it as `fn.maps.<name>`. */
export interface KeyedMap<Kind extends string, K, V> {
  /** A copy of the value at a key, or undefined when there is none. */
  get(key: K): V | undefined;
  /** The live value at a key, or undefined when there is none. What is written through it, all processors see. */
  ref(key: K): Ref<V> | undefined;
  /** Writes the value at a key. False when the map refuses: it is full, or an array's index is out of range. */
  set(key: K, value: Given<V>): boolean;
  readonly [contents]?: { readonly kind: Kind; readonly key: K; readonly value: V };
}

/** A map whose entries come and go. */
export interface EntryMap<Kind extends string, K, V> extends KeyedMap<Kind, K, V> {
  /** Adds an entry. False when the key is there already or the map is full. */
  insert(key: K, value: Given<V>): boolean;
  /** Replaces an entry. False when the key is not there. */
  update(key: K, value: Given<V>): boolean;
  /** Removes an entry. False when the key is not there. */
  delete(key: K): boolean;
}

/**
 * What the kernel calls with a key of a map and the live value there. It sees constants, layouts, maps, settings and
 * functions, but no variable of the code around it; it may use maps, events, clocks, atomics and timers, but has no
 * packet and returns nothing.
 */
export type EntryCallback<K, V> = (key: K, value: Ref<V>) => void;

/** A map that can be gone over. */
export interface Entries<K, V> {
  /**
   * Calls `callback` for each entry, once. Entries that are added meanwhile may be left out; the callback may remove
   * its own. It cannot go over a map itself. Linux 5.13.
   */
  forEach(callback: EntryCallback<K, V>): void;
}

/** A map whose values hold a timer. */
export interface Timers<K, V> {
  /**
   * Lets the timer of a live value call `callback` once, after so many nanoseconds; a callback that wants to run again
   * starts it again. A timer that is armed already gets the new time and callback. It is cancelled when its entry is
   * removed or written by `set`, and when neither a process nor a pin holds the map any more. False when it cannot be
   * armed. Not in tracers. Linux 5.15.
   */
  startTimer(value: Ref<V>, nanoseconds: u64, callback: EntryCallback<K, V>): boolean;
  /** Stops the timer of a live value. Whether it was armed; false in the callback of that timer. Linux 5.15. */
  cancelTimer(value: Ref<V>): boolean;
}

/** `Timers`, for values that hold one. */
type TimersOf<K, V> = [KernelFields<V, "timer">] extends [never] ? unknown : Timers<K, V>;

/** Elements at 0 to `maxEntries - 1`, zero at first. An index out of range is absent. Linux 3.19. */
export declare function arrayMap<V extends AnyLayout>(
  options: ElementOptions<V>,
): KeyedMap<"array", u32, TypeOf<V>> & Entries<u32, TypeOf<V>> & TimersOf<u32, TypeOf<V>>;

/** An array with a value per processor: `ref` and `get` give the current processor's. Linux 4.6. */
export declare function perCpuArray<V extends AnyLayout>(
  options: ElementOptions<V>,
): KeyedMap<"perCpuArray", u32, TypeOf<V>> & Entries<u32, TypeOf<V>>;

/** A hash table. When it is full, `set` of a new key gives false. Linux 3.19. */
export declare function hash<K extends AnyLayout, V extends AnyLayout>(
  options: KeyedOptions<K, V>,
): EntryMap<"hash", TypeOf<K>, TypeOf<V>> & Entries<TypeOf<K>, TypeOf<V>> & TimersOf<TypeOf<K>, TypeOf<V>>;

/** A hash table that, when full, drops an entry that was not used lately. Linux 4.10. */
export declare function lruHash<K extends AnyLayout, V extends AnyLayout>(
  options: KeyedOptions<K, V>,
): EntryMap<"lruHash", TypeOf<K>, TypeOf<V>> & Entries<TypeOf<K>, TypeOf<V>> & TimersOf<TypeOf<K>, TypeOf<V>>;

/** A hash table with a value per processor. Linux 4.6. */
export declare function perCpuHash<K extends AnyLayout, V extends AnyLayout>(
  options: KeyedOptions<K, V>,
): EntryMap<"perCpuHash", TypeOf<K>, TypeOf<V>> & Entries<TypeOf<K>, TypeOf<V>>;

/** An LRU hash table with a value per processor. Linux 4.10. */
export declare function lruPerCpuHash<K extends AnyLayout, V extends AnyLayout>(
  options: KeyedOptions<K, V>,
): EntryMap<"lruPerCpuHash", TypeOf<K>, TypeOf<V>> & Entries<TypeOf<K>, TypeOf<V>>;

/**
 * Longest-prefix match. The key is a struct whose first field, a `u32`, is the prefix length in bits and whose other
 * fields are what is matched, most significant first: `struct({ prefixLength: u32, address: be32 })`. A look-up with
 * the full length finds the longest prefix that covers the address. Linux 4.11.
 */
export declare function lpmTrie<K extends AnyLayout, V extends AnyLayout>(
  options: KeyedOptions<K, V>,
): EntryMap<"lpmTrie", TypeOf<K>, TypeOf<V>>;

/** A channel of events to the host. */
export interface RingBuffer<E> {
  /** Sends an event to the host. False when the ring is full: the event is lost, and the loss is yours to count. */
  emit(event: E): boolean;
  readonly [contents]?: { readonly kind: "ringBuffer"; readonly key: never; readonly value: E };
}

/** A channel of events with packets to the host. */
export interface PacketRing<E> {
  /**
   * Sends an event to the host with the packet behind it, as far as it fits. False when the ring is full: the event is
   * lost, and the loss is yours to count.
   */
  emitPacket(packet: Packet, event: E): boolean;
  readonly [contents]?: {
    readonly kind: "ringBuffer";
    readonly key: never;
    readonly value: E & { readonly length: u32; readonly packet: Bytes<number> };
  };
}

/**
 * Events that carry packets to the host: at most `packetBytes` of each, up to 16384. The host gets the event's fields,
 * the packet's `length` and, in `packet`, its bytes. Linux 5.18.
 */
export declare function ringBuffer<E extends AnyLayout>(
  options: { readonly event: E; readonly bytes: number; readonly packetBytes: number } & Display,
): PacketRing<TypeOf<E>>;

/** Events to the host, in order, from all processors. `bytes` is a power of two, at least 4096. Linux 5.8. */
export declare function ringBuffer<E extends AnyLayout>(
  options: { readonly event: E; readonly bytes: number; readonly packetBytes?: undefined } & Display,
): RingBuffer<TypeOf<E>>;

/** A map of elements in order. */
export interface QueueMap<Kind extends string, V> {
  /** Adds an element. False when full. */
  push(value: V): boolean;
  /** Takes the next element, or undefined when empty. */
  pop(): V | undefined;
  /** Reads the next element and leaves it there, or undefined when empty. */
  peek(): V | undefined;
  readonly [contents]?: { readonly kind: Kind; readonly key: never; readonly value: V };
}

/** First in, first out. Linux 4.20. */
export declare function queue<V extends AnyLayout>(options: ElementOptions<V>): QueueMap<"queue", TypeOf<V>>;
/** Last in, first out. Linux 4.20. */
export declare function stack<V extends AnyLayout>(options: ElementOptions<V>): QueueMap<"stack", TypeOf<V>>;

/** A map of network devices. */
export interface DeviceMap<Kind extends string> {
  /** The verdict that sends the packet out of the device at this key. It is dropped when there is none. */
  redirect(key: number): Verdict;
  readonly [contents]?: { readonly kind: Kind; readonly key: u32; readonly value: u32 };
}

/** Devices by index, for redirection. The host writes interface indexes into it. Linux 4.14. */
export declare function devMap(options: { readonly maxEntries: number } & Display): DeviceMap<"devMap">;
/** Devices by any number (such as the interface index). Linux 5.4. */
export declare function devMapHash(options: { readonly maxEntries: number } & Display): DeviceMap<"devMapHash">;

/** An array of programs. */
export interface ProgramArray {
  /**
   * Goes on in the program at this index and does not come back; when there is none, it goes on here. All views are
   * stale afterwards.
   */
  tailCall(index: number): void;
  readonly [contents]?: { readonly kind: "progArray"; readonly key: u32; readonly value: u32 };
}

/** Programs by index, for tail calls. The host writes programs into it. Linux 4.2. */
export declare function progArray(options: { readonly maxEntries: number } & Display): ProgramArray;

/** A map whose values are maps. */
export interface MapOfMaps<Kind extends string, K, Inner> {
  readonly [contents]?: { readonly kind: Kind; readonly key: K; readonly value: Inner };
}

/** Maps by index. `inner` is the template of the inner maps. The host writes maps into it. Linux 4.12. */
export declare function arrayOfMaps<Inner>(
  options: { readonly inner: Inner; readonly maxEntries: number } & Display,
): MapOfMaps<"arrayOfMaps", u32, Inner>;

/** Maps by key. Linux 4.12. */
export declare function hashOfMaps<K extends AnyLayout, Inner>(
  options: { readonly key: K; readonly inner: Inner; readonly maxEntries: number } & Display,
): MapOfMaps<"hashOfMaps", TypeOf<K>, Inner>;

/** Adds to a 32- or 64-bit field of a live map value, atomically. Packets and local values have no atomics. */
export declare function atomicAdd<T extends object, F extends keyof T>(target: T, field: F, delta: T[F]): void;
/** Adds atomically and gives the value before. ISA v3, Linux 5.12. */
export declare function atomicFetchAdd<T extends object, F extends keyof T>(target: T, field: F, delta: T[F]): T[F];
/** Ands atomically and gives the value before. Linux 5.12. */
export declare function atomicFetchAnd<T extends object, F extends keyof T>(target: T, field: F, bits: T[F]): T[F];
/** Ors atomically and gives the value before. Linux 5.12. */
export declare function atomicFetchOr<T extends object, F extends keyof T>(target: T, field: F, bits: T[F]): T[F];
/** Xors atomically and gives the value before. Linux 5.12. */
export declare function atomicFetchXor<T extends object, F extends keyof T>(target: T, field: F, bits: T[F]): T[F];
/** Writes atomically and gives the value before. Linux 5.12. */
export declare function atomicExchange<T extends object, F extends keyof T>(target: T, field: F, value: T[F]): T[F];
/** Writes `value` if `expected` is there, atomically, and gives the value before. Linux 5.12. */
export declare function atomicCompareExchange<T extends object, F extends keyof T>(
  target: T,
  field: F,
  expected: T[F],
  value: T[F],
): T[F];

/**
 * Runs `body` with the spin lock held. The body may read and write memory and calculate; it may not call anything that
 * the kernel does (maps, time, random numbers), loop or return from the handler. Linux 5.1.
 */
export declare function withLock<T>(lock: SpinLock, body: () => T): T;
