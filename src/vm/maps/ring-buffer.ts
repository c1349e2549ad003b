import { Errno } from "../errno.ts";
import { roundUp8, VmMap } from "./map.ts";
import { type FullMapSpec, mapError } from "./spec.ts";

const HEADER_SIZE = 8;
/** RINGBUF_MAX_RECORD_SZ in kernel/bpf/ringbuf.c. */
const MAX_RECORD = 0x3fff_ffff;
const PAGE_SIZE = 4096;

type RecordState = "busy" | "ready" | "discarded";

interface RingRecord {
  readonly bytes: Uint8Array;
  readonly length: number;
  state: RecordState;
}

/**
 * BPF_MAP_TYPE_RINGBUF (kernel/bpf/ringbuf.c): `maxEntries` is its size in bytes. A record takes its length plus 8,
 * rounded up to 8; space comes back when the host reads, in order, up to the first record that is still busy.
 */
export class RingBuffer extends VmMap {
  #records: RingRecord[] = [];
  #producer = 0;
  #consumer = 0;

  constructor(spec: FullMapSpec) {
    super(spec);
    const size = spec.maxEntries;
    const isPowerOfTwo = size > 0 && (size & (size - 1)) === 0;
    if (spec.keySize !== 0 || spec.valueSize !== 0 || !isPowerOfTwo || size % PAGE_SIZE !== 0) {
      throw mapError(spec, "a ring buffer's size is a power of two and whole pages; it has no keys and values");
    }
  }

  /** Zeroed bytes of a new record, or undefined when there is no room. */
  reserve(size: number): Uint8Array | undefined {
    const length = roundUp8(size + HEADER_SIZE);
    const mask = this.spec.maxEntries - 1;
    if (size > MAX_RECORD || length > this.spec.maxEntries || this.#producer + length - this.#consumer > mask) {
      return undefined;
    }
    const bytes = new Uint8Array(size);
    this.#records.push({ bytes, length, state: "busy" });
    this.#producer += length;
    return bytes;
  }

  /** Makes a reserved record readable, or drops it. */
  commit(bytes: Uint8Array, state: "ready" | "discarded"): void {
    const record = this.#records.find((candidate) => candidate.bytes === bytes);
    if (record !== undefined) {
      record.state = state;
    }
  }

  /** `bpf_ringbuf_query`: 0 unread bytes, 1 the buffer's size, 2 consumer and 3 producer position; else 0. */
  query(flags: number): number {
    switch (flags) {
      case 0:
        return this.#producer - this.#consumer;
      case 1:
        return this.spec.maxEntries;
      case 2:
        return this.#consumer;
      case 3:
        return this.#producer;
      default:
        return 0;
    }
  }

  /** Reads every record that is ready, and frees its room. */
  drain(): Uint8Array[] {
    const firstBusy = this.#records.findIndex((record) => record.state === "busy");
    const done = this.#records.splice(0, firstBusy === -1 ? this.#records.length : firstBusy);
    for (const record of done) {
      this.#consumer += record.length;
    }
    return done.filter((record) => record.state === "ready").map((record) => record.bytes);
  }

  override lookup(_key: Uint8Array): Uint8Array | undefined {
    return undefined;
  }

  override update(_key: Uint8Array, _value: Uint8Array, _flags = 0): number {
    return Errno.ENOTSUPP;
  }

  override delete(_key: Uint8Array): number {
    return Errno.ENOTSUPP;
  }

  /** Records that the host has not read yet and that are ready, under an empty key. */
  override *entries(): Generator<readonly [Uint8Array, Uint8Array]> {
    for (const record of this.#records) {
      if (record.state === "ready") {
        yield [new Uint8Array(0), record.bytes.slice()];
      }
    }
  }
}
