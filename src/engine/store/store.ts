/** A value with the version of the store that it was written in. */
export interface Entry {
  readonly key: string;
  readonly value: Uint8Array;
  readonly version: number;
}

/** A write that was committed; `value` is undefined when the key was deleted. */
export interface StoreEvent {
  readonly key: string;
  readonly value: Uint8Array | undefined;
  readonly version: number;
}

export interface ListOptions {
  /** Highest keys first. */
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** The store as it was when the transaction began, with the transaction's own writes. Over with the transaction. */
export interface Transaction {
  get(collection: string, key: string): Promise<Entry | undefined>;
  /** The entries of a collection in the order of their keys (by code point). */
  list(collection: string, options?: ListOptions): Promise<readonly Entry[]>;
  put(collection: string, key: string, value: Uint8Array): Promise<void>;
  /** Nothing happens when the key is not there. */
  delete(collection: string, key: string): Promise<void>;
}

export interface TransactOptions {
  /**
   * False: the commit outlives the process, but not the machine until the next durable one. For what speaks of the
   * kernel's state, which ends with the machine too: it spares the wait for the disk.
   */
  readonly durable?: boolean;
}

/**
 * Values by collection and key, in transactions: all of one's writes are kept, or none. Asynchronous, so that a store
 * on the network fits as well.
 */
export interface Store extends AsyncDisposable {
  /**
   * Runs `work` alone, and commits when it returns; when it throws, nothing was written. What it returns is durable.
   *
   * @throws IovisorError E_STORE, or what `work` throws
   */
  transact<T>(work: (transaction: Transaction) => Promise<T>, options?: TransactOptions): Promise<T>;
  /** Calls the listener after each commit of this process that wrote to the collection, in order, until disposed. */
  watch(collection: string, listener: (events: readonly StoreEvent[]) => void): Disposable;
}
