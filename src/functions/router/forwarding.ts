/** The routing table as kernel code has it. */
import type { TableContents } from "../../engine/host/host-side.ts";
import { wordsOf } from "./addresses.ts";
import { hopKey, type NextHop, type Route, routesOf } from "./routes.ts";
import { buildTrie } from "./trie.ts";

/** As in kernel/tables.ts; 0 is an address without a route. */
const kinds = { connected: 1, gateway: 2, group: 3, local: 4, broadcast: 5, blackhole: 6, prohibit: 7 } as const;
export const buckets = 64;

interface HopEntry {
  readonly kind: number;
  readonly port: number;
  readonly unused: number;
  readonly first: number;
  readonly high: bigint;
  readonly low: bigint;
}

const nothing: HopEntry = { kind: 0, port: 0, unused: 0, first: 0, high: 0n, low: 0n };

function entryOf(hop: NextHop): HopEntry {
  const words = hop.kind === "gateway" ? wordsOf(hop.via) : {};
  return { ...nothing, ...words, kind: kinds[hop.kind], port: "port" in hop ? hop.port : 0 };
}

/** FNV-1a, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c_9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x0100_0193);
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b_3c6d) >>> 0;
}

/**
 * Which next hop each bucket has: the one with the highest hash (rendezvous hashing), so that where one goes only its
 * own flows move.
 */
export function bucketsOf(hops: readonly NextHop[]): readonly NextHop[] {
  return Array.from({ length: buckets }, (_, bucket) => {
    const weight = (hop: NextHop): number => hashOf(`${bucket} ${hopKey(hop)} ${bucket}`);
    return hops.reduce((best, hop) => (weight(hop) > weight(best) ? hop : best));
  });
}

/** Next hops by number. */
class HopNumbers {
  readonly entries: HopEntry[] = [nothing];
  readonly #numbers = new Map<string, number>();

  numberOf(hops: readonly NextHop[]): number {
    const key = hops.map(hopKey).toSorted().join(", ");
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    const number = this.entries.length;
    this.#numbers.set(key, number);
    if (hops.length === 1) this.entries.push(entryOf(hops[0]!));
    else {
      this.entries.push({ ...nothing, kind: kinds.group, first: number + 1 });
      for (const hop of bucketsOf(hops)) this.entries.push(entryOf(hop));
    }
    return number;
  }
}

/** Everything that routes decide, by the names of kernel/tables.ts. */
export interface Forwarding {
  readonly tables: Readonly<Record<string, TableContents>>;
  readonly arrays: Readonly<Record<string, Uint8Array>>;
  readonly sizes: Readonly<Record<string, number>>;
}

/** Room for some more, so that the next route seldom needs larger maps. */
function room(count: number): number {
  return Math.max(64, 2 ** Math.ceil(Math.log2(count + 1)));
}

function bytesOf(values: Uint32Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/** Without the zeros at the end: that is what a new array has anyway. */
function trimmed(values: Uint32Array): Uint8Array {
  return bytesOf(values.subarray(0, values.findLastIndex((value) => value !== 0) + 1));
}

function pairs(entries: Uint32Array): Uint8Array {
  const even = new Uint32Array(entries.length + (entries.length & 1));
  even.set(entries);
  return bytesOf(even);
}

export function forwardingOf(table: readonly Route[]): Forwarding {
  const hops = new HopNumbers();
  const defaults: number[] = [];
  const arrays: Record<string, Uint8Array> = {};
  const sizes: Record<string, number> = {};
  for (const family of [4, 6] as const) {
    const routes = routesOf(table, family).map(({ prefix, hops: own }) => ({ prefix, hop: hops.numberOf(own) }));
    const trie = buildTrie(family, routes);
    defaults.push(trie.usual);
    arrays[`slots${family}`] = trimmed(trie.slots);
    arrays[`nodes${family}`] = bytesOf(trie.nodes);
    arrays[`entries${family}`] = pairs(trie.entries);
    sizes[`nodes${family}`] = room(trie.nodes.length / 4);
    sizes[`entries${family}`] = room(trie.entries.length / 2);
  }
  const tables = {
    nextHops: hops.entries.map((entry, index) => [index, { ...entry }] as const),
    defaults: defaults.map((hop, index) => [index, hop] as const),
  };
  sizes["nextHops"] = room(hops.entries.length);
  return { tables, arrays, sizes };
}
