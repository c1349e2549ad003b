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
  /** Bits that say where entries start, and the first entry, for each node. */
  readonly starts: BigUint64Array;
  readonly bases: Uint32Array;
  readonly entries: Uint32Array;
}

export const slotBits: Readonly<Record<Family, number>> = { 4: 18, 6: 16 };
const nodeBits = 6;
const fanOut = 1 << nodeBits;
const isNode = 0x8000_0000;

/** A part of the trie while it is built: the next hop for each value, and what is below. */
interface Branch {
  readonly hops: Uint32Array;
  readonly below: Map<number, Branch>;
}

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

/** Shorter prefixes first, so that a longer one finds in place what it makes an exception of. */
function insert(root: Branch, strides: readonly Stride[], { prefix, hop }: TrieRoute): void {
  let branch = root;
  for (const stride of strides) {
    const value = valueAt(prefix.address, stride);
    const rest = prefix.length - stride.from;
    if (rest <= stride.bits) {
      branch.hops.fill(hop, value, value + (1 << (stride.width - rest)));
      return;
    }
    let below = branch.below.get(value);
    if (!below) {
      below = { hops: new Uint32Array(fanOut).fill(branch.hops[value]!), below: new Map() };
      branch.below.set(value, below);
    }
    branch = below;
  }
}

/** Numbers the nodes and lays out their entries, those below a node behind it. */
class Layout {
  readonly starts: bigint[] = [];
  readonly bases: number[] = [];
  readonly entries: number[] = [];

  /** Entries of all values of a branch: next hops, or nodes. */
  values({ hops, below }: Branch): Uint32Array {
    const values = hops.slice();
    for (const [value, branch] of below) values[value] = this.#add(branch);
    return values;
  }

  #add(branch: Branch): number {
    const values = this.values(branch);
    const node = this.starts.length;
    let [low, high] = [0, 0];
    this.bases.push(this.entries.length);
    for (let value = 0; value < fanOut; value++) {
      if (value > 0 && values[value] === values[value - 1]) continue;
      if (value < 32) low |= 1 << value;
      else high |= 1 << (value - 32);
      this.entries.push(values[value]!);
    }
    this.starts.push((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));
    return (node | isNode) >>> 0;
  }
}

/** The longest prefix of an address decides; of routes with equal prefixes the last one. */
export function buildTrie(family: Family, routes: readonly TrieRoute[]): Trie {
  const strides = stridesOf(family);
  const sorted = routes.toSorted((left, right) => left.prefix.length - right.prefix.length);
  const root: Branch = { hops: new Uint32Array(1 << slotBits[family]), below: new Map() };
  for (const route of sorted) if (route.prefix.length > 0) insert(root, strides, route);
  const usual = sorted.findLast((route) => route.prefix.length === 0)?.hop ?? 0;
  const layout = new Layout();
  const slots = layout.values(root);
  return {
    usual,
    slots,
    starts: BigUint64Array.from(layout.starts),
    bases: Uint32Array.from(layout.bases),
    entries: Uint32Array.from(layout.entries),
  };
}
