import type { Store } from "../../src/engine/store/store.ts";

/** The real store; says when each transaction began. An apply's second one begins right behind the commit. */
export class TimedStore implements Store {
  readonly #store: Store;
  begun: number[] = [];

  constructor(store: Store) {
    this.#store = store;
  }

  transact<T>(work: Parameters<Store["transact"]>[0]): Promise<T> {
    this.begun.push(performance.now());
    return this.#store.transact(work) as Promise<T>;
  }

  watch(...watched: Parameters<Store["watch"]>): Disposable {
    return this.#store.watch(...watched);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}
