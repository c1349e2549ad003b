import { isTagProtocol, tagProtocols } from "../tag-protocols.ts";
import type { Storage } from "./values.ts";

const ethernetHeader = 14;
const macAddresses = 12;
const tagLength = 4;
/** Views end within the first 65535 bytes: no more can be proven to the kernel's verifier (MAX_PACKET_OFF). */
const farthest = 0xffffn;

/**
 * The packet of a run. Every operation that changes it makes the references stale that were made before, whether it
 * succeeds or not, on every hook.
 */
export abstract class Packet {
  readonly storage: Storage;

  constructor(bytes: Uint8Array) {
    this.storage = { bytes: bytes.slice(), epoch: 0 };
  }

  get length(): number {
    return this.storage.bytes.length;
  }

  /** A tag that stands beside the bytes. */
  get vlanTag(): number | undefined {
    return undefined;
  }

  /** Its EtherType. */
  get vlanProtocol(): number | undefined {
    return undefined;
  }

  protected abstract get mostBytes(): number;
  protected abstract makeRoom(delta: number): boolean;
  protected abstract push(tag: number, protocol: number): boolean;
  protected abstract pop(): boolean;

  holds(offset: bigint, size: number): boolean {
    const end = offset + BigInt(size);
    return offset >= 0n && end <= farthest && end <= BigInt(this.length);
  }

  /** A copy went out of a device: on skb hooks the headers may lie elsewhere now. */
  cloned(): void {
    this.storage.epoch++;
  }

  /** New bytes at the end are zero. */
  setLength(length: bigint): boolean {
    this.storage.epoch++;
    if (length < BigInt(ethernetHeader) || length > BigInt(this.mostBytes)) return false;
    const bytes = new Uint8Array(Number(length));
    bytes.set(this.storage.bytes.subarray(0, Number(length)));
    this.storage.bytes = bytes;
    return true;
  }

  /** New bytes are zero. */
  adjustRoom(delta: number): boolean {
    this.storage.epoch++;
    return this.makeRoom(delta);
  }

  pushVlan(tag: number, protocol: number): boolean {
    this.storage.epoch++;
    return this.push(tag, protocol);
  }

  popVlan(): boolean {
    this.storage.epoch++;
    return this.pop();
  }

  /** Inserts (positive) or removes bytes at an offset; false when there are not as many behind it. */
  protected insertAt(offset: number, delta: number): boolean {
    const { bytes } = this.storage;
    const kept = delta < 0 ? offset - delta : offset;
    if (bytes.length < kept || bytes.length + delta < ethernetHeader) return false;
    const changed = new Uint8Array(bytes.length + delta);
    changed.set(bytes.subarray(0, offset));
    changed.set(bytes.subarray(kept), delta < 0 ? offset : offset + delta);
    this.storage.bytes = changed;
    return true;
  }

  protected read16(offset: number): number {
    return ((this.storage.bytes[offset] ?? 0) << 8) | (this.storage.bytes[offset + 1] ?? 0);
  }

  protected insertTag(type: number, tag: number): void {
    this.insertAt(macAddresses, tagLength);
    const view = new DataView(this.storage.bytes.buffer);
    view.setUint16(macAddresses, type);
    view.setUint16(macAddresses + 2, tag);
  }

  /**
   * RFC 1624, equation 3, as csum_replace4 computes it (include/net/checksum.h): the result is 0 to 0xfffe, never the
   * other zero, 0xffff.
   */
  replaceChecksum(offset: bigint, change: ChecksumChange): boolean {
    this.storage.epoch++;
    // The kernel's helpers refuse an odd place (bpf_l3_csum_replace, net/core/filter.c), so it is refused everywhere.
    if (!this.holds(offset, 2) || (offset & 1n) === 1n) return false;
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

/** XDP_PACKET_HEADROOM and what the kernel keeps of it for itself (struct xdp_frame). */
const headroom = 256;
const frameHeader = 40;

/** A frame in its buffer: what is inserted moves the start of the packet into the headroom. */
export class XdpPacket extends Packet {
  #start = headroom;
  readonly #end: number;

  constructor(bytes: Uint8Array, maxLength: number) {
    super(bytes);
    this.#end = headroom + Math.max(maxLength, bytes.length);
  }

  protected override get mostBytes(): number {
    return this.#end - this.#start;
  }

  #insert(offset: number, delta: number): boolean {
    if (this.#start - delta < frameHeader || !this.insertAt(offset, delta)) return false;
    this.#start -= delta;
    return true;
  }

  protected override makeRoom(delta: number): boolean {
    return this.#insert(ethernetHeader, delta);
  }

  protected override push(tag: number, protocol: number): boolean {
    if (this.length < ethernetHeader || this.#start - tagLength < frameHeader) return false;
    this.#start -= tagLength;
    this.insertTag(protocol, tag);
    return true;
  }

  protected override pop(): boolean {
    const tagged = this.length >= ethernetHeader + tagLength && isTagProtocol(this.read16(macAddresses));
    return tagged && this.#insert(macAddresses, -tagLength);
  }
}

/** A tag beside the bytes, if there is one, and its EtherType: 0x8100 where nothing is said. */
export interface TagBeside {
  readonly vlanTag?: number;
  readonly vlanProtocol?: number;
}

/** What stands beside a packet, for results. */
export function tagBeside({ vlanTag, vlanProtocol }: Packet): TagBeside {
  if (vlanTag === undefined || vlanProtocol === undefined) return {};
  return { vlanTag, ...(vlanProtocol === tagProtocols.customer ? {} : { vlanProtocol }) };
}

const networkHeaders: Readonly<Record<number, number>> = { 2048: 20, 34525: 40 };

/**
 * A packet in the stack. The outermost tag stands beside the bytes (skb_vlan_push, net/core/skbuff.c), and the kernel
 * goes by the protocol that it noted and not by what the program wrote to the bytes.
 */
export class SkbPacket extends Packet {
  #protocol: number;
  #tag: { readonly type: number; readonly tag: number } | undefined;
  readonly #maxLength: number;

  constructor(bytes: Uint8Array, maxLength: number, beside: TagBeside) {
    super(bytes);
    this.#protocol = this.read16(macAddresses);
    this.#maxLength = Math.max(maxLength, bytes.length);
    const { vlanTag: tag, vlanProtocol: type = tagProtocols.customer } = beside;
    this.#tag = tag === undefined ? undefined : { type, tag };
  }

  override get vlanTag(): number | undefined {
    return this.#tag?.tag;
  }

  override get vlanProtocol(): number | undefined {
    return this.#tag?.type;
  }

  protected override get mostBytes(): number {
    return this.#maxLength;
  }

  /** bpf_skb_adjust_room: for IP packets only, and never into the network header. */
  protected override makeRoom(delta: number): boolean {
    const header = networkHeaders[this.#protocol];
    if (header === undefined || this.length + delta > this.#maxLength) return false;
    if (delta < 0 && this.length - ethernetHeader + delta < header) return false;
    return this.insertAt(ethernetHeader, delta);
  }

  protected override push(tag: number, protocol: number): boolean {
    if (this.#tag) {
      this.insertTag(this.#tag.type, this.#tag.tag);
      this.#protocol = this.#tag.type;
    }
    this.#tag = { type: protocol, tag };
    return true;
  }

  protected override pop(): boolean {
    if (!this.#tag && !isTagProtocol(this.#protocol)) return false;
    if (this.#tag) this.#tag = undefined;
    else if (this.#removeInline() === undefined) return false;
    // What is then outermost moves beside the bytes.
    const type = this.#protocol;
    if (!isTagProtocol(type)) return true;
    const tag = this.#removeInline();
    if (tag === undefined) return false;
    this.#tag = { type, tag };
    return true;
  }

  /** Undefined, and nothing is changed, where the packet ends within the tag (__skb_vlan_pop). */
  #removeInline(): number | undefined {
    if (this.length < ethernetHeader + tagLength) return undefined;
    const tag = this.read16(macAddresses + 2);
    this.#protocol = this.read16(macAddresses + tagLength);
    this.insertAt(macAddresses, -tagLength);
    return tag;
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
