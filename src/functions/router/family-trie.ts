/** The routes of one family in the arrays that kernel code walks: kernel/tables.ts says how they are made up. */
import { addressBits, type Family } from "./addresses.ts";
import { lengthOf, type RouteRows, type Row } from "./route-rows.ts";
import type { Shared, SharedMemory } from "./trie-memory.ts";

export const slotBits: Readonly<Record<Family, number>> = { 4: 18, 6: 16 };
const nodeBits = 6;
const fanOut = 1 << nodeBits;
const isNode = 0x8000_0000;

/** Where bits of an address are: a slot's or a node's, and how many of them are there. */
interface Stride {
  readonly from: number;
  readonly bits: number;
  /** How many bits it decides: more than it has at the end of the address. */
  readonly width: number;
}

function stridesOf(family: Family): readonly Stride[] {
  const strides: Stride[] = [{ from: 0, bits: slotBits[family], width: slotBits[family] }];
  const end = addressBits[family];
  for (let from = slotBits[family]; from < end; from += nodeBits) {
    strides.push({ from, bits: Math.min(nodeBits, end - from), width: nodeBits });
  }
  return strides;
}

/** How many nodes are on the way to what decides about a prefix of that length. */
export function nodesTo(family: Family, length: number): number {
  return Math.max(0, Math.ceil((length - slotBits[family]) / nodeBits));
}

/** At most 24 bits of an address that is the beginning of a key. */
function valueAt(key: string, { from, bits, width }: Stride): number {
  const first = from >> 3;
  let window = 0;
  for (let index = first; index < first + 4; index++) {
    window = (window << 8) | (index < key.length - 1 ? key.charCodeAt(index) : 0);
  }
  return ((window << (from & 7)) >>> (32 - bits)) << (width - bits);
}

/** The key of the prefix of that length that holds another. */
function outer(key: string, length: number): string {
  const whole = length >> 3;
  const bits = length & 7;
  const middle = bits === 0 ? "" : String.fromCharCode(key.charCodeAt(whole) & (0xff00 >> bits));
  const head = key.slice(0, whole) + middle;
  return head.padEnd(key.length - 1, "\0") + String.fromCharCode(length);
}

/** The first and the last key of what is more specific than a prefix. */
function innerRange(key: string): readonly [low: string, high: string] {
  const length = lengthOf(key);
  let last = "";
  for (let index = 0; index < key.length - 1; index++) {
    const fixed = Math.min(8, Math.max(0, length - 8 * index));
    last += String.fromCharCode(key.charCodeAt(index) | (0xff >> fixed));
  }
  return [key.slice(0, -1) + String.fromCharCode(length + 1), `${last}\xff`];
}

/** The arrays as they lie in memory. Slots and defaults are there twice, side by side. */
export interface TrieArrays {
  readonly slots: Uint32Array;
  readonly nodes: Uint32Array;
  readonly entries: Uint32Array;
  /** Of this family. */
  readonly defaults: Uint32Array;
}

/** Prefixes with the numbers of their next hops, in order. */
interface Found {
  readonly keys: readonly string[];
  readonly hops: readonly number[];
}

/** What routes of a prefix become: the number of their next hop. */
export type Numbering = (rows: readonly Row[]) => number;

export class FamilyTrie {
  readonly #strides: readonly Stride[];
  readonly #arrays: TrieArrays;
  readonly #nodes: Shared;
  readonly #entries: Shared;
  readonly #numberOf: Numbering;
  readonly #everything: string;

  constructor(family: Family, arrays: TrieArrays, memory: SharedMemory, numberOf: Numbering) {
    this.#strides = stridesOf(family);
    this.#arrays = arrays;
    this.#nodes = memory.pool(0, arrays.nodes.length / 4);
    this.#entries = memory.pool(0, arrays.entries.length);
    this.#numberOf = numberOf;
    this.#everything = "\0".repeat(addressBits[family] / 8 + 1);
  }

  /** Lets a half begin as the other one is. */
  copyTo(half: number): void {
    const { slots, defaults } = this.#arrays;
    defaults[half] = defaults[1 - half]!;
    for (let index = half; index < slots.length; index += 2) slots[index] = slots[index ^ 1]!;
  }

  /** All routes, into arrays of zeros. */
  build(rows: RouteRows, half: number): void {
    const { slots } = this.#arrays;
    const values = new Uint32Array(slots.length / 2);
    const found = this.#found(rows, ...innerRange(this.#everything));
    this.#fill({ values, first: 0, level: 0, found }, 0, found.keys.length);
    for (let index = 0; index < values.length; index++) slots[2 * index + half] = values[index]!;
    this.refresh(rows, this.#everything, half);
  }

  /** After a change of what there is to a prefix. Nothing changes of nodes that packets may be in. */
  refresh(rows: RouteRows, key: string, half: number): void {
    const length = lengthOf(key);
    if (length === 0) {
      this.#arrays.defaults[half] = this.#hopOf(rows, key);
      return;
    }
    const level = this.#strides.findIndex(({ from, bits }) => length - from <= bits);
    const { from, width } = this.#strides[level]!;
    const values = new Uint32Array(1 << (width - (length - from))).fill(this.#inherited(rows, key));
    const first = valueAt(key, this.#strides[level]!);
    const found = this.#found(rows, ...innerRange(key));
    this.#fill({ values, first, level, found }, 0, found.keys.length);
    if (level > 0) {
      const slot = valueAt(key, this.#strides[0]!);
      this.#store(slot, half, this.#changed({ key, level, first, values }, 1, this.#slot(slot, half)));
      return;
    }
    values.forEach((value, index) => {
      this.#free(this.#slot(first + index, half));
      this.#store(first + index, half, value);
    });
  }

  #slot(index: number, half: number): number {
    return this.#arrays.slots[2 * index + half]!;
  }

  /** Whoever sees it sees what it leads to: that was written before. */
  #store(index: number, half: number, value: number): void {
    Atomics.store(this.#arrays.slots, 2 * index + half, value);
  }

  #hopOf(rows: RouteRows, key: string): number {
    const own = rows.at(key);
    return own.length === 0 ? 0 : this.#numberOf(own);
  }

  /** What the longest prefix says that is this one or holds it. */
  #inherited(rows: RouteRows, key: string): number {
    for (let length = lengthOf(key); length > 0; length--) {
      const own = rows.at(outer(key, length));
      if (own.length > 0) return this.#numberOf(own);
    }
    return 0;
  }

  #found(rows: RouteRows, low: string, high: string): Found {
    const [keys, hops]: [string[], number[]] = [[], []];
    rows.forEach(low, high, (key, own) => {
      keys.push(key);
      hops.push(this.#numberOf(own));
    });
    return { keys, hops };
  }

  /**
   * Writes what prefixes from `start` to `end` say over the values of a slot's or node's bits from `first` on. They
   * come in order, so what holds others comes before those, and all within one value are side by side.
   */
  #fill(
    into: { readonly values: Uint32Array; readonly first: number; readonly level: number; readonly found: Found },
    start: number,
    end: number,
  ): void {
    const { values, first, level, found } = into;
    const stride = this.#strides[level]!;
    const isDeeper = (index: number): boolean => lengthOf(found.keys[index]!) > stride.from + stride.bits;
    for (let index = start; index < end; ) {
      const key = found.keys[index]!;
      const place = valueAt(key, stride) - first;
      if (!isDeeper(index)) {
        const count = 1 << (stride.width - (lengthOf(key) - stride.from));
        values.fill(found.hops[index++]!, place, place + count);
        continue;
      }
      const begin = index;
      while (index < end && isDeeper(index) && valueAt(found.keys[index]!, stride) - first === place) index++;
      const inner = new Uint32Array(fanOut).fill(values[place]!);
      this.#fill({ values: inner, first: 0, level: level + 1, found }, begin, index);
      values[place] = this.#entryOf(inner);
    }
  }

  /** What takes the place of an entry on the way to changed values. */
  #changed(
    change: { readonly key: string; readonly level: number; readonly first: number; readonly values: Uint32Array },
    level: number,
    entry: number,
  ): number {
    const values = this.#valuesOf(entry);
    if (level < change.level) {
      const place = valueAt(change.key, this.#strides[level]!);
      values[place] = this.#changed(change, level + 1, values[place]!);
    } else {
      for (let index = 0; index < change.values.length; index++) this.#free(values[change.first + index]!);
      values.set(change.values, change.first);
    }
    const made = this.#entryOf(values);
    if (entry >= isNode) this.#freeNode(entry - isNode);
    return made;
  }

  #valuesOf(entry: number): Uint32Array {
    const values = new Uint32Array(fanOut).fill(entry);
    if (entry < isNode) return values;
    const { nodes, entries } = this.#arrays;
    const node = 4 * (entry - isNode);
    let place = nodes[node + 2]! - 1;
    for (let value = 0; value < fanOut; value++) {
      if ((nodes[node + (value >> 5)]! >>> (value & 31)) & 1) place++;
      values[value] = entries[place]!;
    }
    return values;
  }

  /** A new node in which equal neighbours share an entry; none where all are one next hop. */
  #entryOf(values: Uint32Array): number {
    let [low, high, count] = [0, 0, 0];
    for (let value = 0; value < fanOut; value++) {
      if (value > 0 && values[value] === values[value - 1]) continue;
      count++;
      if (value < 32) low |= 1 << value;
      else high |= 1 << (value - 32);
    }
    if (count === 1 && values[0]! < isNode) return values[0]!;
    const { nodes, entries } = this.#arrays;
    const base = this.#entries.take(count);
    const node = this.#nodes.take(1);
    let place = base;
    for (let value = 0; value < fanOut; value++) {
      if (value === 0 || values[value] !== values[value - 1]) entries[place++] = values[value]!;
    }
    nodes[4 * node] = low;
    nodes[4 * node + 1] = high;
    nodes[4 * node + 2] = base;
    return isNode + node;
  }

  /** All that an entry leads to. */
  #free(entry: number): void {
    if (entry < isNode) return;
    const { base, count } = this.#entriesOf(entry - isNode);
    for (let index = base; index < base + count; index++) this.#free(this.#arrays.entries[index]!);
    this.#freeNode(entry - isNode);
  }

  #freeNode(node: number): void {
    const { base, count } = this.#entriesOf(node);
    this.#entries.give(base, count);
    this.#nodes.give(node, 1);
  }

  #entriesOf(node: number): { readonly base: number; readonly count: number } {
    const { nodes } = this.#arrays;
    const count = ones(nodes[4 * node]!) + ones(nodes[4 * node + 1]!);
    return { base: nodes[4 * node + 2]!, count };
  }
}

function ones(word: number): number {
  let count = 0;
  for (let left = word; left !== 0; left &= left - 1) count++;
  return count;
}
