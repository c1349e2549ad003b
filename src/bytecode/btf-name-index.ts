/**
 * Names to type ids without an object or a decoded string per type: a hash table in two typed arrays over the raw bytes
 * of the names. Building it for a vmlinux of 126,000 types is one pass of some milliseconds.
 */
export class BtfNameIndex {
  readonly #words: Uint32Array;
  readonly #offsets: Uint32Array;
  readonly #strings: Uint8Array;
  /** The highest id in each bucket; 0 ends a chain. */
  readonly #heads: Uint32Array;
  /** The next lower id in the same bucket. */
  readonly #next: Uint32Array;

  constructor(words: Uint32Array, offsets: Uint32Array, strings: Uint8Array) {
    this.#words = words;
    this.#offsets = offsets;
    this.#strings = strings;
    const buckets = 1 << Math.ceil(Math.log2(offsets.length + 1));
    this.#heads = new Uint32Array(buckets);
    this.#next = new Uint32Array(offsets.length);
    for (let id = 1; id < offsets.length; id++) {
      const name = words[offsets[id]!]!;
      if (name === 0) continue;
      const bucket = hashString(strings, name) & (buckets - 1);
      this.#next[id] = this.#heads[bucket]!;
      this.#heads[bucket] = id;
    }
  }

  /** The ids of the types with this name and one of these kind numbers, ascending. */
  find(name: string, kinds: readonly number[]): number[] {
    const wanted = new TextEncoder().encode(`${name}\0`);
    const found: number[] = [];
    for (let id = this.#heads[hashString(wanted, 0) & (this.#heads.length - 1)]!; id !== 0; id = this.#next[id]!) {
      const at = this.#offsets[id]!;
      if (kinds.includes((this.#words[at + 1]! >>> 24) & 0x1f) && this.#matches(this.#words[at]!, wanted))
        found.push(id);
    }
    return found.reverse();
  }

  #matches(offset: number, wanted: Uint8Array): boolean {
    for (let index = 0; index < wanted.length; index++) {
      if (this.#strings[offset + index] !== wanted[index]) return false;
    }
    return true;
  }
}

/** FNV-1a, 32 bits, over the bytes from `at` up to the NUL (or the end, in a broken blob). */
function hashString(bytes: Uint8Array, at: number): number {
  let hash = 0x811c9dc5;
  for (let byte = bytes[at]; byte; byte = bytes[++at]) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
