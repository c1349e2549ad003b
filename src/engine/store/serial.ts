import { AsyncLocalStorage } from "node:async_hooks";
import type { StoreEvent } from "./store.ts";

/** Runs one piece of work after another. */
export class Serial {
  readonly #within = new AsyncLocalStorage<true>();
  #last: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    // It would wait for itself for ever.
    if (this.#within.getStore()) throw new Error("a transaction within a transaction of the same store");
    const result = this.#last.then(() => this.#within.run(true, work));
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Fulfilled when all that was asked for so far is done. */
  async idle(): Promise<void> {
    await this.#last;
  }
}

export interface Write extends StoreEvent {
  readonly collection: string;
}

type Listener = (events: readonly StoreEvent[]) => void;

/** Who wants to hear of commits. */
export class Watchers {
  readonly #watching = new Set<{ readonly collection: string; readonly listener: Listener }>();

  add(collection: string, listener: Listener): Disposable {
    const watcher = { collection, listener };
    this.#watching.add(watcher);
    return { [Symbol.dispose]: () => void this.#watching.delete(watcher) };
  }

  /** Listeners run later: what one throws is an uncaught error of its own, not a failure of the commit. */
  tell(writes: readonly Write[]): void {
    for (const watcher of this.#watching) {
      const events = writes
        .filter(({ collection }) => collection === watcher.collection)
        .map(({ key, value, version }) => ({ key, value, version }));
      if (events.length > 0)
        queueMicrotask(() => {
          if (this.#watching.has(watcher)) watcher.listener(events);
        });
    }
  }
}

/** The writes of a transaction, the last of each key. */
export class WriteLog {
  readonly #writes = new Map<string, Write>();

  note(write: Write): void {
    this.#writes.set(JSON.stringify([write.collection, write.key]), write);
  }

  get writes(): readonly Write[] {
    return [...this.#writes.values()];
  }
}
