import { packetRecord } from "../compiler/hir/packet-record.ts";
import type { MapDeclaration } from "../compiler/hir/tree.ts";
import type { KernelMap } from "../kernel/maps.ts";
import { type RecordStream, RingBuffer, type StreamOptions } from "../kernel/ringbuf.ts";
import { Codec } from "./codec.ts";

/** Events of one ring buffer of a running function. The kernel keeps one position: each record is read once. */
export class EventSource<E> implements AsyncIterable<E>, Disposable {
  readonly name: string;
  readonly raw: KernelMap;
  /** An event of a record's bytes. */
  readonly decode: (view: DataView, offset: number, length: number) => E;
  #ring: RingBuffer | undefined;

  constructor(declaration: MapDeclaration, raw: KernelMap) {
    this.name = declaration.name;
    this.raw = raw;
    this.decode = eventDecoder<E>(declaration);
  }

  /** The ring underneath, for raw records without a copy. */
  get ring(): RingBuffer {
    return (this.#ring ??= new RingBuffer(this.raw));
  }

  /** Events as they come. A ring without a declared event gives the records' bytes. */
  stream(options: StreamOptions = {}): RecordStream<E> {
    return this.ring.records<E>(options, this.decode);
  }

  [Symbol.asyncIterator](): RecordStream<E> {
    return this.stream();
  }

  [Symbol.dispose](): void {
    this.#ring?.close();
    this.#ring = undefined;
  }
}

/** What makes an event of a ring buffer's record. A ring without a declared event gives the record's bytes. */
export function eventDecoder<E>(declaration: MapDeclaration): EventSource<E>["decode"] {
  if (!declaration.value) return (...place) => copy(...place) as E;
  const codec = new Codec<E>(declaration.value);
  const form = packetRecord(declaration);
  if (!form) return (view, offset) => codec.decodeAt(view, offset);
  return (view, offset) => ({
    ...codec.decodeAt(view, offset),
    length: view.getUint32(offset + form.length, true),
    packet: copy(view, offset + form.packet, view.getUint32(offset + form.captured, true)),
  });
}

function copy(view: DataView, offset: number, length: number): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset + offset, length).slice();
}

/** Events that wait in user space before the rest is left in the kernel's ring. */
const readAhead = 65536;

/**
 * Events of all ring buffers of a function in one sequence. It goes on when the function is replaced: what the old
 * rings hold is read first.
 */
export class EventStream<T> implements AsyncIterableIterator<T>, Disposable {
  readonly #make: (source: string, event: unknown) => T;
  readonly #streams = new Map<EventSource<unknown>, RecordStream<unknown>>();
  readonly #onClose: (stream: EventStream<T>) => void;
  #queue: T[] = [];
  #head = 0;
  #closed = false;
  #failure: unknown;
  #readers: (() => void)[] = [];
  #writers: (() => void)[] = [];

  constructor(make: (source: string, event: unknown) => T, onClose: (stream: EventStream<T>) => void) {
    this.#make = make;
    this.#onClose = onClose;
  }

  /** Reads from these rings from now on, and from no others. */
  bind(sources: readonly EventSource<unknown>[]): void {
    for (const [source, stream] of this.#streams) {
      if (sources.includes(source)) continue;
      stream.close();
      this.#streams.delete(source);
      source.ring.drain((view, offset, length) => this.#push(source.name, source.decode(view, offset, length)));
    }
    for (const source of sources) {
      if (this.#streams.has(source)) continue;
      const stream = source.stream({ capacity: readAhead });
      this.#streams.set(source, stream);
      void this.#pump(source.name, stream);
    }
    this.#wake();
  }

  async next(): Promise<IteratorResult<T>> {
    while (this.#head === this.#queue.length) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#closed) return { done: true, value: undefined };
      await new Promise<void>((resolve) => this.#readers.push(resolve));
    }
    const value = this.#queue[this.#head++]!;
    if (this.#head === this.#queue.length) this.#reset();
    return { done: false, value };
  }

  async return(): Promise<IteratorResult<T>> {
    this.close();
    return { done: true, value: undefined };
  }

  /** Ends the sequence; what was read already is still given. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const stream of this.#streams.values()) stream.close();
    this.#streams.clear();
    this.#onClose(this);
    this.#wake();
    this.#reset();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #pump(name: string, stream: RecordStream<unknown>): Promise<void> {
    try {
      for await (const batch of stream.batches()) {
        for (const event of batch) this.#push(name, event);
        this.#wake();
        while (!this.#closed && this.#queue.length - this.#head >= readAhead) {
          await new Promise<void>((resolve) => this.#writers.push(resolve));
        }
      }
    } catch (error) {
      this.#failure = error;
      this.#wake();
    }
  }

  #push(name: string, event: unknown): void {
    this.#queue.push(this.#make(name, event));
  }

  #wake(): void {
    const readers = this.#readers;
    this.#readers = [];
    for (const wake of readers) wake();
  }

  /** Everything was taken: room for more. */
  #reset(): void {
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    }
    const writers = this.#writers;
    this.#writers = [];
    for (const wake of writers) wake();
  }
}

/** An event and the ring buffer that it came through. */
export interface NamedEvent<E = unknown> {
  readonly map: string;
  readonly event: E;
}

/** `fn.events`: each iteration opens a stream. Two at a time share the records between them. */
export class FunctionEvents<E> implements AsyncIterable<E> {
  readonly #open = new Set<EventStream<unknown>>();
  #sources: readonly EventSource<unknown>[] = [];

  /** Called by the running function when its maps change. */
  bind(sources: readonly EventSource<unknown>[]): void {
    this.#sources = sources;
    for (const stream of this.#open) stream.bind(sources);
  }

  [Symbol.asyncIterator](): EventStream<E> {
    return this.#stream((_, event) => event as E);
  }

  /** Events with the names of their ring buffers. */
  named(): EventStream<NamedEvent<E>> {
    return this.#stream((map, event) => ({ map, event: event as E }));
  }

  close(): void {
    for (const stream of this.#open) stream.close();
  }

  #stream<T>(make: (source: string, event: unknown) => T): EventStream<T> {
    const stream = new EventStream<T>(make, (closed) => this.#open.delete(closed as EventStream<unknown>));
    this.#open.add(stream as EventStream<unknown>);
    stream.bind(this.#sources);
    return stream;
  }
}
