import { Serial, Watchers, WriteLog } from "./serial.ts";
import type { Entry, ListOptions, Store, StoreEvent, Transaction } from "./store.ts";

type Collections = ReadonlyMap<string, ReadonlyMap<string, Entry>>;

/** A store that lives as long as its process: for tests, and for visors that shall keep nothing. */
export class MemoryStore implements Store {
  readonly #serial = new Serial();
  readonly #watchers = new Watchers();
  #collections: Collections = new Map();
  #version = 0;

  transact<T>(work: (transaction: Transaction) => Promise<T>): Promise<T> {
    return this.#serial.run(async () => {
      const transaction = new MemoryTransaction(this.#collections, this.#version + 1);
      try {
        const result = await work(transaction);
        const writes = transaction.log.writes;
        if (writes.length > 0) {
          this.#collections = transaction.collections;
          this.#version++;
        }
        this.#watchers.tell(writes);
        return result;
      } finally {
        transaction.over = true;
      }
    });
  }

  watch(collection: string, listener: (events: readonly StoreEvent[]) => void): Disposable {
    return this.#watchers.add(collection, listener);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#serial.idle();
  }
}

class MemoryTransaction implements Transaction {
  readonly log = new WriteLog();
  readonly #version: number;
  collections: Collections;
  over = false;

  constructor(collections: Collections, version: number) {
    this.collections = collections;
    this.#version = version;
  }

  async get(collection: string, key: string): Promise<Entry | undefined> {
    const entry = this.#entries(collection).get(key);
    return entry && copy(entry);
  }

  async list(collection: string, { reverse = false, limit }: ListOptions = {}): Promise<readonly Entry[]> {
    const entries = [...this.#entries(collection).values()].sort((a, b) => byCodePoint(a.key, b.key));
    return (reverse ? entries.reverse() : entries).slice(0, limit).map(copy);
  }

  async put(collection: string, key: string, value: Uint8Array): Promise<void> {
    const entry: Entry = { key, value: Uint8Array.from(value), version: this.#version };
    this.#write(collection, (entries) => entries.set(key, entry));
    this.log.note({ collection, ...copy(entry) });
  }

  async delete(collection: string, key: string): Promise<void> {
    if (!this.#entries(collection).has(key)) return;
    this.#write(collection, (entries) => entries.delete(key));
    this.log.note({ collection, key, value: undefined, version: this.#version });
  }

  #entries(collection: string): ReadonlyMap<string, Entry> {
    if (this.over) throw new Error("the transaction is over");
    return this.collections.get(collection) ?? new Map();
  }

  /** Changes a copy, so that the committed state stays until the commit. */
  #write(collection: string, change: (entries: Map<string, Entry>) => void): void {
    const entries = new Map(this.#entries(collection));
    change(entries);
    this.collections = new Map(this.collections).set(collection, entries);
  }
}

/** As SQLite compares UTF-8; UTF-16 code units differ from it beyond U+FFFF. */
function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function copy(entry: Entry): Entry {
  return { ...entry, value: Uint8Array.from(entry.value) };
}
