/** Next hops in the kernel's array, by number: kernel/tables.ts has their layout. */
import { wordsOf } from "./addresses.ts";
import type { Row } from "./route-rows.ts";
import { hopKey, type NextHop } from "./routes.ts";
import type { Shared, SharedMemory } from "./trie-memory.ts";

/** As in kernel/tables.ts; 0 is an address without a route. */
const kinds = { connected: 1, gateway: 2, group: 3, local: 4, broadcast: 5, blackhole: 6, prohibit: 7 } as const;
export const buckets = 64;
const entryBytes = 24;

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

/** Next hops by the numbers that rows have. */
export class Hops {
  readonly #list: NextHop[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #byText = new Map<string, number | undefined>();

  /** Of what a configuration writes: it is worked out once, for the ports that there are as long as the hops. */
  numberOfText(text: string, hopOf: () => NextHop | undefined): number | undefined {
    if (!this.#byText.has(text)) {
      const hop = hopOf();
      this.#byText.set(text, hop && this.numberOf(hop));
    }
    return this.#byText.get(text);
  }

  numberOf(hop: NextHop): number {
    const key = hopKey(hop);
    const known = this.#numbers.get(key);
    if (known !== undefined) return known;
    this.#numbers.set(key, this.#list.length);
    return this.#list.push(hop) - 1;
  }

  /** Each once, in the order of their numbers. */
  of(rows: readonly Row[]): readonly NextHop[] {
    return this.numbersOf(rows).map((number) => this.at(number));
  }

  numbersOf(rows: readonly Row[]): readonly number[] {
    if (rows.length === 1) return [rows[0]!.hop];
    return [...new Set(rows.map(({ hop }) => hop))].toSorted((left, right) => left - right);
  }

  at(number: number): NextHop {
    return this.#list[number]!;
  }
}

interface Numbered {
  readonly number: number;
  readonly size: number;
  /** Prefixes that lead there. */
  uses: number;
}

/** Next hops and groups of them, as far as prefixes lead there. */
export class HopNumbers {
  readonly #hops: Hops;
  readonly #view: DataView;
  readonly #memory: Shared;
  readonly #numbered = new Map<number | string, Numbered>();

  constructor(array: Uint8Array, hops: Hops, memory: SharedMemory) {
    this.#hops = hops;
    this.#view = new DataView(array.buffer, array.byteOffset, array.byteLength);
    this.#memory = memory.pool(1, Math.floor(array.length / entryBytes));
  }

  /** Of ways to a prefix that are in use. */
  numberOf(rows: readonly Row[]): number {
    return this.#numbered.get(keyOf(rows))!.number;
  }

  use(rows: readonly Row[]): void {
    if (rows.length === 0) return;
    const key = keyOf(rows);
    const known = this.#numbered.get(key);
    if (known) known.uses++;
    else this.#numbered.set(key, { ...this.#make(this.#hops.of(rows)), uses: 1 });
  }

  unuse(rows: readonly Row[]): void {
    if (rows.length === 0) return;
    const key = keyOf(rows);
    const known = this.#numbered.get(key)!;
    if (--known.uses > 0) return;
    this.#numbered.delete(key);
    this.#memory.give(known.number, known.size);
  }

  #make(hops: readonly NextHop[]): Pick<Numbered, "number" | "size"> {
    const size = hops.length === 1 ? 1 : 1 + buckets;
    const number = this.#memory.take(size);
    if (size === 1) this.#write(number, hops[0]!);
    else {
      this.#writeFields(number, { kind: kinds.group, first: number + 1 });
      for (const [bucket, hop] of bucketsOf(hops).entries()) this.#write(number + 1 + bucket, hop);
    }
    return { number, size };
  }

  #write(number: number, hop: NextHop): void {
    const words = hop.kind === "gateway" ? wordsOf(hop.via) : {};
    this.#writeFields(number, { kind: kinds[hop.kind], port: "port" in hop ? hop.port : 0, ...words });
  }

  #writeFields(
    number: number,
    {
      kind,
      port = 0,
      first = 0,
      high = 0n,
      low = 0n,
    }: { kind: number; port?: number; first?: number; high?: bigint; low?: bigint },
  ): void {
    const at = number * entryBytes;
    this.#view.setUint16(at, kind | (port << 8), true);
    this.#view.setUint16(at + 2, 0, true);
    this.#view.setUint32(at + 4, first, true);
    this.#view.setBigUint64(at + 8, high, true);
    this.#view.setBigUint64(at + 16, low, true);
  }
}

function keyOf(rows: readonly Row[]): number | string {
  if (rows.length === 1) return rows[0]!.hop;
  const numbers = [...new Set(rows.map(({ hop }) => hop))];
  return numbers.length === 1 ? numbers[0]! : numbers.toSorted((left, right) => left - right).join(" ");
}
