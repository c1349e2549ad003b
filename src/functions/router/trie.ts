/** Builds the tries that kernel code walks: kernel/tables.ts says how they are made up. */
import { addressBits, type Family, type Prefix } from "./addresses.ts";

/** A prefix and the number of its next hop, which is not 0. */
export interface TrieRoute {
  readonly prefix: Prefix;
  readonly hop: number;
}

export interface Trie {
  /** Next hop of the default route, or 0. */
  readonly usual: number;
  readonly slots: Uint32Array;
  /** Four words for each node: bits that say where entries start (the lower half first), the first entry, 0. */
  readonly nodes: Uint32Array;
  readonly entries: Uint32Array;
}

export const slotBits: Readonly<Record<Family, number>> = { 4: 18, 6: 16 };
const nodeBits = 6;
const fanOut = 1 << nodeBits;
const isNode = 0x8000_0000;

/** Where bits of an address are: a slot's or a node's, and how many of them are there. */
interface Stride {
  readonly from: number;
  readonly bits: number;
  /** How many bits it decides: more than it has at the end of a half of the address. */
  readonly width: number;
}

/** The second half of an IPv6 address starts a node of its own. */
function stridesOf(family: Family): readonly Stride[] {
  const strides: Stride[] = [{ from: 0, bits: slotBits[family], width: slotBits[family] }];
  const end = addressBits[family];
  for (let from = slotBits[family]; from < end; from += nodeBits) {
    strides.push({ from, bits: Math.min(nodeBits, end - from), width: nodeBits });
  }
  return strides;
}

/** At most 24 bits of an address. */
function bitsAt(address: Uint8Array, from: number, count: number): number {
  const first = from >> 3;
  let window = 0;
  for (let index = 0; index < 4; index++) window = (window << 8) | (address[first + index] ?? 0);
  return (window << (from & 7)) >>> (32 - count);
}

function valueAt(address: Uint8Array, { from, bits, width }: Stride): number {
  return bitsAt(address, from, bits) << (width - bits);
}

/** Slots, and behind them nodes with an entry for each value, before equal ones are joined. */
class Expanded {
  readonly #strides: readonly Stride[];
  readonly #slots: number;
  #values: Uint32Array;
  nodes = 0;

  constructor(family: Family) {
    this.#strides = stridesOf(family);
    this.#slots = 1 << slotBits[family];
    this.#values = new Uint32Array(this.#slots + 64 * fanOut);
  }

  /** Shorter prefixes come first, so that a longer one finds in place what it makes an exception of. */
  insert({ prefix, hop }: TrieRoute): void {
    let base = 0;
    for (const stride of this.#strides) {
      const place = base + valueAt(prefix.address, stride);
      const rest = prefix.length - stride.from;
      if (rest <= stride.bits) {
        this.#values.fill(hop, place, place + (1 << (stride.width - rest)));
        return;
      }
      base = this.#baseOf(this.#nodeAt(place));
    }
  }

  slots(): Uint32Array {
    return this.#values.slice(0, this.#slots);
  }

  node(number: number): Uint32Array {
    const base = this.#baseOf(number);
    return this.#values.subarray(base, base + fanOut);
  }

  #baseOf(node: number): number {
    return this.#slots + node * fanOut;
  }

  #nodeAt(place: number): number {
    const value = this.#values[place]!;
    if (value >= isNode) return value - isNode;
    const node = this.nodes++;
    const base = this.#baseOf(node);
    if (base + fanOut > this.#values.length) {
      const larger = new Uint32Array(2 * this.#values.length);
      larger.set(this.#values);
      this.#values = larger;
    }
    this.#values.fill(value, base, base + fanOut);
    this.#values[place] = isNode + node;
    return node;
  }
}

/** Nodes in which equal neighbours share an entry. */
function compress(expanded: Expanded): Pick<Trie, "nodes" | "entries"> {
  const nodes = new Uint32Array(4 * expanded.nodes);
  let entries = new Uint32Array(1024);
  let used = 0;
  for (let node = 0; node < expanded.nodes; node++) {
    const values = expanded.node(node);
    if (used + fanOut > entries.length) {
      const larger = new Uint32Array(2 * entries.length);
      larger.set(entries);
      entries = larger;
    }
    const place = 4 * node;
    nodes[place + 2] = used;
    for (let value = 0; value < fanOut; value++) {
      if (value > 0 && values[value] === values[value - 1]) continue;
      nodes[place + (value >> 5)]! |= 1 << (value & 31);
      entries[used++] = values[value]!;
    }
  }
  return { nodes, entries: entries.slice(0, used) };
}

/** The longest prefix of an address decides; of routes with equal prefixes the last one. */
export function buildTrie(family: Family, routes: readonly TrieRoute[]): Trie {
  const byLength = Array.from({ length: addressBits[family] + 1 }, (): TrieRoute[] => []);
  for (const route of routes) byLength[route.prefix.length]!.push(route);
  const [usual = []] = byLength;
  const expanded = new Expanded(family);
  for (const some of byLength.slice(1)) for (const route of some) expanded.insert(route);
  return { usual: usual.at(-1)?.hop ?? 0, slots: expanded.slots(), ...compress(expanded) };
}
