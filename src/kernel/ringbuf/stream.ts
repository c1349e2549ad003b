/** Records of a ring buffer as an asynchronous sequence, with a declared answer to "what if the reader is slow?". */
import type { PollHandle } from "../sys/native.ts";

/**
 * When the reader does not keep up:
 * - "wait": records stay in the kernel's ring; when that is full the program's reserve fails, which the program counts.
 * - "drop-newest", "drop-oldest": the ring is emptied at once into a queue of `capacity`; what does not fit is dropped
 *   and counted in `dropped`.
 */
export type DropPolicy = "wait" | "drop-newest" | "drop-oldest";

/** Options of {@link RecordStream}. */
export interface StreamOptions {
  readonly whenFull?: DropPolicy;
  /** Records that the queue holds; 65,536 when absent. For "wait" the most that are read ahead. */
  readonly capacity?: number;
  /** Ends the sequence. */
  readonly signal?: AbortSignal;
}

/** What a stream reads from. */
export interface RecordSource<T> {
  /** Reads up to `limit` records into `sink`; returns how many. */
  read(sink: (record: T) => void, limit: number): number;
  /** Calls `callback` while records are there, until closed. */
  watch(callback: () => void): PollHandle;
}

const DEFAULT_CAPACITY = 65536;

/** An async iterable of records that also gives whole batches. */
export class RecordStream<T> implements AsyncIterableIterator<T>, Disposable {
  /** Records that the drop policy discarded. */
  dropped = 0;
  readonly #source: RecordSource<T>;
  readonly #policy: DropPolicy;
  readonly #capacity: number;
  readonly #watch: PollHandle;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => this.close();
  readonly #onClose: () => void;
  #queue: T[] = [];
  #head = 0;
  #closed = false;
  #waiting: (() => void)[] = [];

  constructor(source: RecordSource<T>, options: StreamOptions, onClose: () => void = () => {}) {
    this.#source = source;
    this.#onClose = onClose;
    this.#policy = options.whenFull ?? "wait";
    this.#capacity = options.capacity ?? DEFAULT_CAPACITY;
    this.#watch = source.watch(() => this.#onReadable());
    if (this.#policy === "wait") this.#watch.stop();
    this.#signal = options.signal;
    if (this.#signal?.aborted) this.close();
    else this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** Records that wait in user space. */
  get queued(): number {
    return this.#queue.length - this.#head;
  }

  #onReadable(): void {
    if (this.#policy === "wait") this.#watch.stop();
    else this.#fillDropping();
    this.#wakeReaders();
  }

  #wakeReaders(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  #fillDropping(): void {
    const keepOldest = this.#policy === "drop-newest";
    this.#source.read((record) => {
      if (this.queued < this.#capacity) this.#queue.push(record);
      else {
        this.dropped++;
        if (keepOldest) return;
        this.#queue.push(record);
        this.#head++;
      }
      this.#compact();
    }, DEFAULT_CAPACITY);
  }

  /** Cuts off the consumed front of the queue, rarely enough to cost little. */
  #compact(): void {
    if (this.#head < this.#capacity || this.#head * 2 < this.#queue.length) return;
    this.#queue = this.#queue.slice(this.#head);
    this.#head = 0;
  }

  #readAhead(): void {
    this.#queue = [];
    this.#head = 0;
    this.#source.read((record) => this.#queue.push(record), this.#capacity);
  }

  /** Waits until at least one record is queued; false at the end. */
  async #ready(): Promise<boolean> {
    while (this.queued === 0 && !this.#closed) {
      if (this.#policy === "wait") this.#readAhead();
      if (this.queued > 0) break;
      const woken = new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
      if (this.#policy === "wait") this.#watch.start();
      await woken;
    }
    return this.queued > 0;
  }

  #take(): IteratorResult<T> {
    const value = this.#queue[this.#head] as T;
    this.#head++;
    this.#compact();
    return { done: false, value };
  }

  /** The next record. After {@link close} the queued ones are still given. */
  async next(): Promise<IteratorResult<T>> {
    // Another waiting reader may have taken what woke this one.
    while (this.queued === 0) if (!(await this.#ready())) return { done: true, value: undefined };
    return this.#take();
  }

  /** All records that are there, at least one; undefined at the end. The fast way to read. */
  async nextBatch(): Promise<T[] | undefined> {
    while (this.queued === 0) if (!(await this.#ready())) return undefined;
    const batch = this.#head === 0 ? this.#queue : this.#queue.slice(this.#head);
    this.#queue = [];
    this.#head = 0;
    return batch;
  }

  /** Batches one after the other, until closed. */
  async *batches(): AsyncGenerator<T[]> {
    for (let batch = await this.nextBatch(); batch; batch = await this.nextBatch()) yield batch;
  }

  /** Ends reading: waiting readers get the end of the sequence. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#watch.close();
    this.#onClose();
    this.#wakeReaders();
  }

  /** Lets the process end although the stream is open. */
  unref(): this {
    this.#watch.unref();
    return this;
  }

  async return(): Promise<IteratorResult<T>> {
    this.close();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }
}
