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
  if (left.key === right.key) return left.rank - right.rank;
  return left.key < right.key ? -1 : 1;
}

/** What is in one place of the 65,536 that the first two bytes say is compared with one another alone. */
function inOrder(rows: readonly Row[]): readonly Row[] {
  const places = new Map<number, Row[]>();
  for (const row of rows) {
    const place = (row.key.charCodeAt(0) << 8) | row.key.charCodeAt(1);
    const there = places.get(place);
    if (there) there.push(row);
    else places.set(place, [row]);
  }
  const sorted: Row[] = [];
  for (const [, there] of [...places].sort(([left], [right]) => left - right)) {
    for (const row of there.sort(order)) sorted.push(row);
  }
  return sorted;
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
    const sorted = inOrder(rows);
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
    const found = this.#take(this.#placeOf(key));
    return found[0]?.key === key ? found : [];
  }

  /** Calls back with the ways that count, prefix by prefix, for keys from `low` to `high`. */
  forEach(low: string, high: string, each: (key: string, rows: readonly Row[]) => void): void {
    const place = this.#placeOf(low);
    for (let rows = this.#take(place); rows.length > 0; rows = this.#take(place)) {
      const { key } = rows[0]!;
      if (key > high) return;
      each(key, rows);
    }
  }

  /** The ways that count, prefix by prefix, for keys from `low` on. The rows stay as they are meanwhile. */
  *from(low: string): Generator<readonly Row[]> {
    const place = this.#placeOf(low);
    for (let rows = this.#take(place); rows.length > 0; rows = this.#take(place)) yield rows;
  }

  /** Where a key is, or would be. */
  #placeOf(key: string): Place {
    const index = Math.max(0, countWhile(this.#chunks, ([first]) => first!.key < key) - 1);
    return { index, at: countWhile(this.#chunks[index] ?? [], (row) => row.key < key) };
  }

  /** The ways that count of the prefix at a place, which moves behind it. None at the end. */
  #take(place: Place): readonly Row[] {
    const first = this.#rowAt(place);
    if (!first) return [];
    const same = [first];
    place.at++;
    for (let row = this.#rowAt(place); row?.key === first.key; row = this.#rowAt(place)) {
      same.push(row);
      place.at++;
    }
    return bestOf(same);
  }

  #rowAt(place: Place): Row | undefined {
    const row = this.#chunks[place.index]?.[place.at];
    if (row || place.index >= this.#chunks.length) return row;
    place.index++;
    place.at = 0;
    return this.#chunks[place.index]?.[0];
  }
}

/** Of a row: its chunk, and which of the chunk's rows it is. */
interface Place {
  index: number;
  at: number;
}
