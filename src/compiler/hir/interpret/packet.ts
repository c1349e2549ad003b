import type { Storage } from "./values.ts";

const ethernetHeader = 14;
const macAddresses = 12;
const tagLength = 4;
const vlanTypes: readonly number[] = [0x8100, 0x88a8];
/** Views end within the first 65535 bytes: no more can be proven to the kernel's verifier (MAX_PACKET_OFF). */
const farthest = 0xffffn;

/**
 * The packet of a run. Every operation that changes it makes the references stale that were made before, whether it
 * succeeds or not, on every hook.
 */
export class Packet {
  readonly storage: Storage;
  readonly #maxLength: number;
  /** At skb hooks a tag may stand beside the bytes; pushing puts it there (skb_vlan_push, net/core/skbuff.c). */
  #tag: number | undefined;
  readonly #tagBeside: boolean;

  constructor(bytes: Uint8Array, options: { maxLength: number; tag: number | undefined; tagBeside: boolean }) {
    this.storage = { bytes: bytes.slice(), epoch: 0 };
    this.#maxLength = Math.max(options.maxLength, bytes.length);
    this.#tagBeside = options.tagBeside;
    this.#tag = options.tagBeside ? options.tag : undefined;
  }

  get length(): number {
    return this.storage.bytes.length;
  }

  get vlanTag(): number | undefined {
    return this.#tag;
  }

  holds(offset: bigint, size: number): boolean {
    const end = offset + BigInt(size);
    return offset >= 0n && end <= farthest && end <= BigInt(this.length);
  }

  #replace(bytes: Uint8Array): void {
    this.storage.bytes = bytes;
  }

  #renew(): void {
    this.storage.epoch++;
  }

  /** New bytes at the end are zero. */
  setLength(length: bigint): boolean {
    this.#renew();
    if (length < BigInt(ethernetHeader) || length > BigInt(this.#maxLength)) return false;
    const bytes = new Uint8Array(Number(length));
    bytes.set(this.storage.bytes.subarray(0, Number(length)));
    this.#replace(bytes);
    return true;
  }

  adjustRoom(delta: number): boolean {
    this.#renew();
    return this.#insertAt(ethernetHeader, delta);
  }

  #insertAt(offset: number, delta: number): boolean {
    const { bytes } = this.storage;
    const length = bytes.length + delta;
    const kept = delta < 0 ? offset - delta : offset;
    if (bytes.length < kept || length < ethernetHeader || length > Math.max(this.#maxLength, bytes.length))
      return false;
    const changed = new Uint8Array(length);
    changed.set(bytes.subarray(0, offset));
    changed.set(bytes.subarray(kept), delta < 0 ? offset : offset + delta);
    this.#replace(changed);
    return true;
  }

  #inlineTag(): number | undefined {
    const { bytes } = this.storage;
    if (bytes.length < ethernetHeader + tagLength) return undefined;
    const type = (bytes[macAddresses]! << 8) | bytes[macAddresses + 1]!;
    if (!vlanTypes.includes(type)) return undefined;
    return (bytes[macAddresses + 2]! << 8) | bytes[macAddresses + 3]!;
  }

  #putInline(tag: number): boolean {
    if (this.length < ethernetHeader || !this.#insertAt(macAddresses, tagLength)) return false;
    const view = new DataView(this.storage.bytes.buffer);
    view.setUint16(macAddresses, 0x8100);
    view.setUint16(macAddresses + 2, tag);
    return true;
  }

  pushVlan(tag: number): boolean {
    this.#renew();
    if (!this.#tagBeside) return this.#putInline(tag);
    if (this.#tag !== undefined && !this.#putInline(this.#tag)) return false;
    this.#tag = tag;
    return true;
  }

  popVlan(): boolean {
    this.#renew();
    const inline = this.#inlineTag();
    if (!this.#tagBeside) return inline !== undefined && this.#insertAt(macAddresses, -tagLength);
    if (this.#tag === undefined) {
      if (inline === undefined || !this.#insertAt(macAddresses, -tagLength)) return false;
    }
    // skb_vlan_pop: what is then outermost moves beside the bytes.
    this.#tag = this.#inlineTag();
    if (this.#tag !== undefined) this.#insertAt(macAddresses, -tagLength);
    return true;
  }

  /**
   * RFC 1624, equation 3, as csum_replace4 computes it (include/net/checksum.h): the result is 0 to 0xfffe, never the
   * other zero, 0xffff.
   */
  replaceChecksum(offset: bigint, change: ChecksumChange): boolean {
    this.#renew();
    if (!this.holds(offset, 2)) return false;
    const view = new DataView(this.storage.bytes.buffer);
    const at = Number(offset);
    const old = view.getUint16(at);
    if (change.zeroMeansNone && old === 0) return true;
    let sum = BigInt(~old & 0xffff) + 0xffffn + halves(~change.from & 0xffff_ffffn) + halves(change.to);
    while (sum > 0xffffn) sum = halves(sum);
    const updated = Number(~sum & 0xffffn);
    view.setUint16(at, change.zeroMeansNone && updated === 0 ? 0xffff : updated);
    return true;
  }
}

export interface ChecksumChange {
  readonly from: bigint;
  readonly to: bigint;
  /** Zero stands for "no checksum" (RFC 768): it is left alone, and a computed zero is written as 0xffff. */
  readonly zeroMeansNone: boolean;
}

function halves(value: bigint): bigint {
  return (value & 0xffffn) + (value >> 16n);
}
