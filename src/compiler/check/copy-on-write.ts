/** What all of them begin with; shared, and so never written to. */
const none: Map<unknown, unknown> = new Map();

/**
 * A map whose copies share their entries until one of them is written to: a walk over a program copies what it knows at
 * every branch, and most branches change little of it.
 */
export class CopyOnWrite<K, V> {
  #entries: Map<K, V>;
  /** Whether another map may have the same entries. */
  #shared: boolean;

  constructor(from?: CopyOnWrite<K, V>) {
    this.#entries = from ? from.#entries : (none as Map<K, V>);
    this.#shared = true;
  }

  copy(): CopyOnWrite<K, V> {
    this.#shared = true;
    return new CopyOnWrite(this);
  }

  /** Whether both are copies of one map and neither was written to since. */
  sharesWith(other: CopyOnWrite<K, V>): boolean {
    return this.#entries === other.#entries;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: K): V | undefined {
    return this.#entries.get(key);
  }

  set(key: K, value: V): void {
    this.#own().set(key, value);
  }

  delete(key: K): void {
    if (this.#entries.has(key)) this.#own().delete(key);
  }

  /** Of the entries at the time of the call: what is written meanwhile does not show. */
  keys(): Iterable<K> {
    return [...this.#entries.keys()];
  }

  [Symbol.iterator](): Iterator<[K, V]> {
    return this.#entries[Symbol.iterator]();
  }

  /** As iteration, without a pair for each entry. */
  forEach(visit: (value: V, key: K) => void): void {
    this.#entries.forEach(visit);
  }

  #own(): Map<K, V> {
    if (this.#shared) {
      this.#entries = new Map(this.#entries);
      this.#shared = false;
    }
    return this.#entries;
  }
}
