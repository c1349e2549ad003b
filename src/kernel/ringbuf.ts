/** Reads a ring buffer map on the event loop: shared memory and libuv's poll, no thread, no copy (Linux 5.8). */
import { IovisorError } from "../errors.ts";
import type { KernelMap } from "./maps.ts";
import { type RecordVisitor, type RingMemory, RingReader } from "./ringbuf/memory.ts";
import { RecordStream, type StreamOptions } from "./ringbuf/stream.ts";
import { type Mapping, mapShared, PROT_READ, PROT_WRITE } from "./sys/memory.ts";
import { type PollHandle, pollReadable } from "./sys/native.ts";

export type { RecordVisitor } from "./ringbuf/memory.ts";
export { type DropPolicy, RecordStream, type StreamOptions } from "./ringbuf/stream.ts";

const PAGE_SIZE = 4096;
/** The most records per turn of the event loop: some milliseconds. */
const RECORDS_PER_TURN = 65536;

/** Makes an object of a record's bytes. */
export type RecordDecoder<T> = (view: DataView, offset: number, length: number) => T;

function copyRecord(view: DataView, offset: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer as ArrayBuffer, offset, length).slice();
}

function mapRing(map: KernelMap): { consumer: Mapping; producer: Mapping } {
  const consumer = mapShared(map.fd, PAGE_SIZE, PROT_READ | PROT_WRITE);
  try {
    // The kernel maps the data area twice in a row behind the producer's page.
    return { consumer, producer: mapShared(map.fd, PAGE_SIZE + 2 * map.maxEntries, PROT_READ, PAGE_SIZE) };
  } catch (error) {
    consumer.close();
    throw error;
  }
}

/**
 * A reader of one ring buffer map. One reader per ring at a time: the kernel keeps a single read position. Records
 * that a program submitted with BPF_RB_NO_WAKEUP are read with the next wake-up, or by calling {@link drain}.
 */
export class RingBuffer implements Disposable {
  readonly #consumer: Mapping;
  readonly #producer: Mapping;
  readonly #reader: RingReader;
  readonly #fd: number;
  readonly #open = new Set<{ close(): void }>();
  #closed = false;

  /** Maps the ring's memory. The map may be closed afterwards only when this reader is. */
  constructor(map: KernelMap) {
    if (map.type !== "ringbuf") {
      throw new IovisorError("E_USAGE", `map "${map.name}" is a ${map.type}, not a ring buffer`, "pass a ringbuf map");
    }
    const { consumer, producer } = mapRing(map);
    this.#fd = map.fd;
    this.#consumer = consumer;
    this.#producer = producer;
    const memory: RingMemory = {
      consumer: consumer.buffer,
      producer: producer.buffer,
      dataOffset: PAGE_SIZE,
      size: map.maxEntries,
    };
    this.#reader = new RingReader(memory);
  }

  /** Bytes that wait in the ring, headers included. */
  get pending(): number {
    this.#check();
    return this.#reader.pending;
  }

  /** Reads what is there now, without a copy: the view is valid during each call only. Returns how many were read. */
  drain(visit: RecordVisitor, limit: number = Number.POSITIVE_INFINITY): number {
    this.#check();
    return this.#reader.drain(visit, limit);
  }

  /** Calls `visit` for each record as they come, until the result is closed. Keeps the process alive; see `unref`. */
  watch(visit: RecordVisitor): PollHandle {
    return this.#poll(() => this.#reader.drain(visit, RECORDS_PER_TURN));
  }

  /** Records as they come, for `for await`; each is a copy of the bytes. */
  records(options?: StreamOptions): RecordStream<Uint8Array>;
  /** Records as they come, decoded. */
  records<T>(options: StreamOptions, decode: RecordDecoder<T>): RecordStream<T>;
  records(options: StreamOptions = {}, decode: RecordDecoder<unknown> = copyRecord): RecordStream<unknown> {
    const source = {
      read: (sink: (record: unknown) => void, limit: number) =>
        this.#reader.drain((view, offset, length) => sink(decode(view, offset, length)), limit),
      watch: (callback: () => void) => this.#poll(callback),
    };
    const stream: RecordStream<unknown> = new RecordStream(source, options, () => this.#open.delete(stream));
    this.#open.add(stream);
    return stream;
  }

  /** Ends all watches and streams and unmaps the memory. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#reader.close();
    for (const each of this.#open) each.close();
    this.#consumer.close();
    this.#producer.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #poll(callback: () => void): PollHandle {
    this.#check();
    const handle = pollReadable(this.#fd, callback);
    const close = handle.close;
    const tracked: PollHandle = {
      ...handle,
      close: () => {
        this.#open.delete(tracked);
        close();
      },
    };
    this.#open.add(tracked);
    return tracked;
  }

  #check(): void {
    if (this.#closed) throw new TypeError("the ring buffer reader is closed");
  }
}
