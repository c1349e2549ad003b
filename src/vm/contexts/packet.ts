import { addressIn } from "../machine.ts";
import type { Memory } from "../memory.ts";

export interface PacketOptions {
  /** Bytes before the packet in its buffer. */
  readonly headroom: number;
  /** Bytes after it. */
  readonly tailroom: number;
  /** Bytes of the packet that programs reach directly; the rest only by helpers. Default: all. */
  readonly linear?: number;
  readonly writable: boolean;
}

/**
 * A packet in the program's memory. Every operation that moves or resizes it makes all earlier addresses invalid, as
 * the verifier does (bpf_helper_changes_pkt_data): a stale pointer faults.
 */
export class Packet {
  readonly #memory: Memory;
  readonly #writable: boolean;
  #buffer: Uint8Array;
  #start: number;
  #end: number;
  /** Bytes of the packet from the start that are linear. */
  #linear: number;
  /** Bytes of metadata before the packet. */
  #meta = 0;
  #base = 0n;

  constructor(memory: Memory, bytes: Uint8Array, options: PacketOptions) {
    this.#memory = memory;
    this.#writable = options.writable;
    this.#buffer = new Uint8Array(options.headroom + bytes.length + options.tailroom);
    this.#buffer.set(bytes, options.headroom);
    this.#start = options.headroom;
    this.#end = options.headroom + bytes.length;
    this.#linear = Math.min(options.linear ?? bytes.length, bytes.length);
    this.#map();
  }

  get length(): number {
    return this.#end - this.#start;
  }

  get headroom(): number {
    return this.#start;
  }

  get tailroom(): number {
    return this.#buffer.length - this.#end;
  }

  get linearLength(): number {
    return this.#linear;
  }

  get metaLength(): number {
    return this.#meta;
  }

  /** `data`, `data_end` and `data_meta` as the program sees them. */
  get dataAddress(): bigint {
    return addressIn(this.#base, this.#start);
  }

  get endAddress(): bigint {
    return addressIn(this.#base, this.#start + this.#linear);
  }

  get metaAddress(): bigint {
    return addressIn(this.#base, this.#start - this.#meta);
  }

  /** A live view of the whole packet, linear or not. */
  get bytes(): Uint8Array {
    return this.#buffer.subarray(this.#start, this.#end);
  }

  /** A live view of the metadata. */
  get meta(): Uint8Array {
    return this.#buffer.subarray(this.#start - this.#meta, this.#start);
  }

  /** A live view of a part, or undefined when it is not inside of the packet. */
  slice(offset: number, length: number): Uint8Array | undefined {
    return offset < 0 || offset + length > this.length ? undefined : this.bytes.subarray(offset, offset + length);
  }

  /** A copy of a part, or undefined when it is not inside of the packet. */
  copy(offset: number, length: number): Uint8Array | undefined {
    return this.slice(offset, length)?.slice();
  }

  /** Makes the first `length` bytes linear. */
  pull(length: number): void {
    this.#linear = Math.max(this.#linear, length);
    this.#map();
  }

  /** Moves the start by `delta` bytes (negative: grows), metadata with it; what is gained keeps its old content. */
  moveStart(delta: number): void {
    const meta = this.meta.slice();
    this.#start += delta;
    this.#linear -= delta;
    this.meta.set(meta);
    this.#map();
  }

  /** Sets the length by moving the end; what is gained is zero. */
  setLength(length: number): void {
    const old = this.#end;
    this.#reserveTail(length - this.length);
    this.#end = this.#start + length;
    if (this.#end > old) {
      this.#buffer.fill(0, old, this.#end);
    }
    const allLinear = old - this.#start === this.#linear;
    this.#linear = allLinear ? length : Math.min(this.#linear, length);
    this.#map();
  }

  /** Sets how many bytes before the packet are metadata. */
  setMeta(length: number): void {
    this.#meta = length;
    this.#map();
  }

  /** Inserts `count` zero bytes at `offset`. */
  insert(offset: number, count: number): void {
    this.#replace(offset, 0, count);
  }

  /** Removes `count` bytes at `offset`. */
  remove(offset: number, count: number): void {
    this.#replace(offset, count, 0);
  }

  #replace(offset: number, removed: number, inserted: number): void {
    const headroom = Math.max(this.#start, 256);
    const before = this.bytes.slice(0, offset);
    const after = this.bytes.slice(offset + removed);
    const allLinear = this.#linear === this.length;
    const length = before.length + inserted + after.length;
    this.#buffer = new Uint8Array(headroom + length + this.tailroom);
    this.#buffer.set(before, headroom);
    this.#buffer.set(after, headroom + offset + inserted);
    this.#start = headroom;
    this.#end = headroom + length;
    this.#linear = allLinear ? length : Math.min(length, this.#linear + inserted - removed);
    this.#map();
  }

  #reserveTail(count: number): void {
    if (count > this.tailroom) {
      const grown = new Uint8Array(this.#end + count);
      grown.set(this.#buffer);
      this.#buffer = grown;
    }
  }

  #map(): void {
    if (this.#base !== 0n) {
      this.#memory.remove(this.#base);
    }
    this.#base = this.#memory.add("the packet", this.#buffer, {
      start: this.#start - this.#meta,
      end: this.#start + this.#linear,
      writable: this.#writable,
    });
  }
}
