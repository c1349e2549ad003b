/** Routes in the order of their prefixes, so that all within a prefix are side by side. */
import type { Prefix } from "./addresses.ts";

/** A way to a prefix: several of one prefix are there with their ranks. */
export interface Row {
  /** Address and length as characters from 0 to 255: they sort as prefixes do, shorter ones before what they hold. */
  readonly key: string;
  /** The lowest counts. Ways of one rank from 0 on share the flows; of those below 0 the first counts. */
  readonly rank: number;
  /** A number of its next hop. */
  readonly hop: number;
}

/** Half of it is what a chunk has when it was cut in two. */
const mostInChunk = 512;

export function keyOf({ address, length }: Prefix): string {
  return String.fromCharCode(...address, length);
}

export function prefixOf(key: string): Prefix {
  const bytes = Uint8Array.from(key, (character) => character.charCodeAt(0));
  return { address: bytes.slice(0, -1), length: lengthOf(key) };
}

export function lengthOf(key: string): number {
  return key.charCodeAt(key.length - 1);
}

function isBefore(left: Row, right: Row): boolean {
  return left.key < right.key || (left.key === right.key && left.rank < right.rank);
}

function order(left: Row, right: Row): number {
  return isBefore(left, right) ? -1 : isBefore(right, left) ? 1 : 0;
}

/** How many items at the front pass a test that those behind them fail. */
function countWhile<Item>(items: readonly Item[], passes: (item: Item) => boolean): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (passes(items[middle]!)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Those that count of the ways to one prefix. */
function bestOf(rows: readonly Row[]): readonly Row[] {
  const [first] = rows;
  if (!first || rows.length === 1) return rows;
  return first.rank < 0 ? [first] : rows.filter(({ rank }) => rank === first.rank);
}

export class RouteRows {
  #chunks: Row[][] = [];

  constructor(rows: readonly Row[] = []) {
    const sorted = rows.toSorted(order);
    for (let at = 0; at < sorted.length; at += mostInChunk / 2) {
      this.#chunks.push(sorted.slice(at, at + mostInChunk / 2));
    }
  }

  /** Behind those of the same prefix and rank. */
  add(row: Row): void {
    const index = Math.max(0, countWhile(this.#chunks, ([first]) => !isBefore(row, first!)) - 1);
    const chunk = this.#chunks[index] ?? [];
    if (this.#chunks.length === 0) this.#chunks.push(chunk);
    const place = countWhile(chunk, (other) => !isBefore(row, other));
    chunk.splice(place, 0, row);
    if (chunk.length > mostInChunk) this.#chunks.splice(index + 1, 0, chunk.splice(mostInChunk / 2));
  }

  remove({ key, rank, hop }: Row): void {
    let index = Math.max(0, countWhile(this.#chunks, ([first]) => first!.key < key) - 1);
    for (; index < this.#chunks.length && this.#chunks[index]![0]!.key <= key; index++) {
      const chunk = this.#chunks[index]!;
      const place = chunk.findIndex((row) => row.key === key && row.rank === rank && row.hop === hop);
      if (place < 0) continue;
      chunk.splice(place, 1);
      if (chunk.length === 0) this.#chunks.splice(index, 1);
      return;
    }
  }

  /** The ways to a prefix that count. */
  at(key: string): readonly Row[] {
    return bestOf([...this.#from(key, key)]);
  }

  /** Calls back with the ways that count, prefix by prefix, for keys from `low` to `high`. */
  forEach(low: string, high: string, each: (key: string, rows: readonly Row[]) => void): void {
    for (const rows of this.prefixes(low, high)) each(rows[0]!.key, rows);
  }

  /** The ways that count, prefix by prefix, for keys from `low` to `high`. */
  *prefixes(low: string, high: string): Generator<readonly Row[]> {
    let same: Row[] = [];
    for (const row of this.#from(low, high)) {
      if (same.length > 0 && same[0]!.key !== row.key) {
        yield bestOf(same);
        same = [];
      }
      same.push(row);
    }
    if (same.length > 0) yield bestOf(same);
  }

  *#from(low: string, high: string): Generator<Row> {
    let index = Math.max(0, countWhile(this.#chunks, ([first]) => first!.key < low) - 1);
    let place = countWhile(this.#chunks[index] ?? [], ({ key }) => key < low);
    for (; index < this.#chunks.length; index++, place = 0) {
      const chunk = this.#chunks[index]!;
      for (; place < chunk.length; place++) {
        if (chunk[place]!.key > high) return;
        yield chunk[place]!;
      }
    }
  }
}
