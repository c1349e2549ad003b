import { sizeOf } from "../layout.ts";
import type { MapStore } from "../map-store.ts";
import type { MapDeclaration } from "../tree.ts";

const flagsOf = { noExist: 1, exist: 2 } as const;

/** A store whose contents can be listed, for comparison between oracles. */
export interface ListedStore extends MapStore {
  /** Keys with their values, one per processor for per-CPU maps. In order of insertion; indices ascend. */
  entries(): readonly { readonly key: Uint8Array; readonly values: readonly Uint8Array[] }[];
  /** What is in a queue (next first), a stack (next first) or a ring buffer (oldest first). */
  elements(): readonly Uint8Array[];
}

/** The simplest store that means what the kernel's map of that kind means. `cpus`: for per-CPU kinds. */
export function createMapStore(map: MapDeclaration, cpus = 1): ListedStore {
  switch (map.kind) {
    case "array":
    case "devMap":
    case "progArray":
    case "arrayOfMaps":
      return new ArrayStore(map, 1);
    case "perCpuArray":
      return new ArrayStore(map, cpus);
    case "hash":
    case "devMapHash":
    case "hashOfMaps":
      return new HashStore(map, 1, false);
    case "lruHash":
      return new HashStore(map, 1, true);
    case "perCpuHash":
      return new HashStore(map, cpus, false);
    case "lruPerCpuHash":
      return new HashStore(map, cpus, true);
    case "lpmTrie":
      return new TrieStore(map, 1, false);
    case "queue":
    case "stack":
      return new QueueStore(map);
    case "ringBuffer":
      return new RingStore(map);
  }
}

abstract class Store implements ListedStore {
  protected readonly map: MapDeclaration;

  constructor(map: MapDeclaration) {
    this.map = map;
  }

  protected get valueSize(): number {
    return this.map.value ? sizeOf(this.map.value) : 4;
  }

  lookup(_key: Uint8Array, _cpu: number): Uint8Array | undefined {
    return undefined;
  }
  update(_key: Uint8Array, _value: Uint8Array, _flags: number, _cpu: number): boolean {
    return false;
  }
  delete(_key: Uint8Array): boolean {
    return false;
  }
  each(_cpu: number): Iterable<readonly [Uint8Array, Uint8Array]> {
    return [];
  }
  push(_value: Uint8Array): boolean {
    return false;
  }
  pop(): Uint8Array | undefined {
    return undefined;
  }
  peek(): Uint8Array | undefined {
    return undefined;
  }
  emit(_record: Uint8Array): boolean {
    return false;
  }
  entries(): readonly { readonly key: Uint8Array; readonly values: readonly Uint8Array[] }[] {
    return [];
  }
  elements(): readonly Uint8Array[] {
    return [];
  }
}

/** Every index exists, zeroed. Device and program arrays start empty: their slots exist once written. */
class ArrayStore extends Store {
  readonly #values = new Map<number, readonly Uint8Array[]>();
  readonly #cpus: number;

  constructor(map: MapDeclaration, cpus: number) {
    super(map);
    this.#cpus = cpus;
  }

  get #sparse(): boolean {
    return this.map.kind === "devMap" || this.map.kind === "progArray" || this.map.kind === "arrayOfMaps";
  }

  #slot(key: Uint8Array, make: boolean): readonly Uint8Array[] | undefined {
    const index = indexOf(key);
    if (index >= this.map.maxEntries) return undefined;
    let slot = this.#values.get(index);
    if (!slot && make) {
      slot = Array.from({ length: this.#cpus }, () => new Uint8Array(this.valueSize));
      this.#values.set(index, slot);
    }
    return slot;
  }

  override lookup(key: Uint8Array, cpu: number): Uint8Array | undefined {
    return this.#slot(key, !this.#sparse)?.[cpu];
  }

  override update(key: Uint8Array, value: Uint8Array, flags: number, cpu: number): boolean {
    if (flags === flagsOf.noExist) return false;
    const slot = this.#slot(key, true);
    slot?.[cpu]?.set(value);
    return slot !== undefined;
  }

  /** array_map_delete_elem refuses; slots of devices and programs can be emptied. */
  override delete(key: Uint8Array): boolean {
    return this.#sparse && this.#values.delete(indexOf(key));
  }

  override *each(cpu: number): Generator<readonly [Uint8Array, Uint8Array]> {
    for (let index = 0; index < this.map.maxEntries; index++) {
      const value = this.#slot(indexBytes(index), !this.#sparse)?.[cpu];
      if (value) yield [indexBytes(index), value];
    }
  }

  override entries() {
    return [...this.#values].sort(([a], [b]) => a - b).map(([index, values]) => ({ key: indexBytes(index), values }));
  }
}

function indexOf(key: Uint8Array): number {
  return new DataView(key.buffer, key.byteOffset).getUint32(0, true);
}

function indexBytes(index: number): Uint8Array {
  const key = new Uint8Array(4);
  new DataView(key.buffer).setUint32(0, index, true);
  return key;
}

interface Entry {
  readonly key: Uint8Array;
  readonly values: readonly Uint8Array[];
}

class HashStore extends Store {
  protected readonly found = new Map<string, Entry>();
  readonly #cpus: number;
  readonly #evicts: boolean;

  constructor(map: MapDeclaration, cpus: number, evicts: boolean) {
    super(map);
    this.#cpus = cpus;
    this.#evicts = evicts;
  }

  override lookup(key: Uint8Array, cpu: number): Uint8Array | undefined {
    const entry = this.found.get(keyText(key));
    if (entry && this.#evicts) {
      this.found.delete(keyText(key));
      this.found.set(keyText(key), entry);
    }
    return entry?.values[cpu];
  }

  override update(key: Uint8Array, value: Uint8Array, flags: number, cpu: number): boolean {
    const text = keyText(key);
    const entry = this.found.get(text);
    if (entry ? flags === flagsOf.noExist : flags === flagsOf.exist) return false;
    if (entry) {
      this.#write(entry, value, cpu, text);
      return true;
    }
    if (this.found.size >= this.map.maxEntries && !this.#evict()) return false;
    const values = Array.from({ length: this.#cpus }, () => new Uint8Array(this.valueSize));
    values[cpu]!.set(value);
    this.found.set(text, { key: key.slice(), values });
    return true;
  }

  /** A hash swaps the element: who holds the old value keeps it. A per-CPU value is written in place. */
  #write(entry: Entry, value: Uint8Array, cpu: number, text: string): void {
    if (this.#cpus > 1 || this.map.kind === "perCpuHash" || this.map.kind === "lruPerCpuHash")
      entry.values[cpu]!.set(value);
    else {
      if (this.#evicts) this.found.delete(text);
      this.found.set(text, { key: entry.key, values: [value.slice()] });
    }
  }

  /** The least recently used entry; the kernel only approximates that order. */
  #evict(): boolean {
    const [oldest] = this.found.keys();
    return this.#evicts && oldest !== undefined && this.found.delete(oldest);
  }

  override delete(key: Uint8Array): boolean {
    return this.found.delete(keyText(key));
  }

  /** What is removed or replaced on the way is not visited; what is added may be or not: here it is not. */
  override *each(cpu: number): Generator<readonly [Uint8Array, Uint8Array]> {
    for (const [text, entry] of [...this.found]) {
      if (this.found.get(text) === entry) yield [entry.key, entry.values[cpu]!];
    }
  }

  override entries() {
    return [...this.found.values()];
  }
}

function keyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString("hex");
}

/** Longest prefix match; a key is a prefix length in bits (u32, native) and the data from its first bit on. */
class TrieStore extends HashStore {
  override lookup(key: Uint8Array, cpu: number): Uint8Array | undefined {
    if (!isPrefix(key)) return undefined;
    let best: Entry | undefined;
    for (const entry of this.found.values()) {
      const length = indexOf(entry.key);
      if (length <= indexOf(key) && samePrefix(entry.key, key, length) && (!best || length > indexOf(best.key)))
        best = entry;
    }
    return best?.values[cpu];
  }

  override update(key: Uint8Array, value: Uint8Array, flags: number, cpu: number): boolean {
    return isPrefix(key) && super.update(this.#canonical(key), value, flags, cpu);
  }

  override delete(key: Uint8Array): boolean {
    return isPrefix(key) && super.delete(this.#canonical(key));
  }

  /** Bits behind the prefix do not tell entries apart. */
  #canonical(key: Uint8Array): Uint8Array {
    const known = [...this.found.values()].find(
      (entry) => indexOf(entry.key) === indexOf(key) && samePrefix(entry.key, key, indexOf(key)),
    );
    return known?.key ?? key;
  }
}

/** A prefix of more bits than the key has finds nothing (trie_lookup_elem in kernel/bpf/lpm_trie.c). */
function isPrefix(key: Uint8Array): boolean {
  return indexOf(key) <= (key.length - 4) * 8;
}

function samePrefix(left: Uint8Array, right: Uint8Array, bits: number): boolean {
  for (let bit = 0; bit < bits; bit++) {
    const at = 4 + (bit >> 3);
    if ((((left[at] ?? 0) ^ (right[at] ?? 0)) >> (7 - (bit & 7))) & 1) return false;
  }
  return true;
}

class QueueStore extends Store {
  readonly #elements: Uint8Array[] = [];

  override push(value: Uint8Array): boolean {
    if (this.#elements.length >= this.map.maxEntries) return false;
    if (this.map.kind === "queue") this.#elements.push(value.slice());
    else this.#elements.unshift(value.slice());
    return true;
  }
  override pop(): Uint8Array | undefined {
    return this.#elements.shift();
  }
  override peek(): Uint8Array | undefined {
    return this.#elements[0]?.slice();
  }
  override elements() {
    return this.#elements;
  }
}

/** Nobody reads while a program runs, so the ring only fills: each record takes a header and whole words. */
class RingStore extends Store {
  readonly #records: Uint8Array[] = [];
  #used = 0;

  override emit(record: Uint8Array): boolean {
    const size = (8 + record.length + 7) & ~7;
    // kernel/bpf/ringbuf.c, __bpf_ringbuf_reserve: the producer never gets a whole ring ahead.
    if (this.#used + size > this.map.maxEntries - 1) return false;
    this.#used += size;
    this.#records.push(record.slice());
    return true;
  }
  override elements() {
    return this.#records;
  }
}
