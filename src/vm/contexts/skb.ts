import { FaultReason } from "../fault.ts";
import type { Memory } from "../memory.ts";
import type { Redirect } from "./context.ts";
import { Packet } from "./packet.ts";
import { fieldAt, SKB_SIZE, type SkbField, type SkbNumber, skbFields, writableFields } from "./skb-fields.ts";

export interface SkbInput {
  /** Initial values. `len` follows the packet; `protocol` defaults to the Ethernet type, `ifindex` to 1. */
  readonly fields?: Partial<Record<SkbNumber, number>>;
  /** Twenty bytes. */
  readonly cb?: Uint8Array;
  /** Nanoseconds. */
  readonly tstamp?: bigint;
  /** Bytes that the program reaches directly, the rest lies in page fragments. Default: all. */
  readonly linear?: number;
  /** False for kinds without direct packet writes (socket filters, cgroup_skb). Default true. */
  readonly directWrite?: boolean;
  /** Bytes of the Ethernet header, 0 where the packet starts with the network header. Default 14. */
  readonly macLength?: number;
}

/** A packet that `bpf_clone_redirect` sent. */
export interface Clone {
  readonly ifindex: number;
  readonly flags: number;
  readonly packet: Uint8Array;
}

/** `struct __sk_buff` over a packet, as a tc program sees it (bpf_convert_ctx_access, net/core/filter.c). */
export class SkbContext {
  readonly kind = "skb";
  readonly packet: Packet;
  readonly address: bigint;
  readonly bytes = new Uint8Array(SKB_SIZE);
  readonly macLength: number;
  readonly clones: Clone[] = [];
  redirect: Redirect | undefined;
  /** An outer header was put around the packet (`skb->encapsulation`). */
  encapsulated = false;
  readonly #view = new DataView(this.bytes.buffer);

  constructor(memory: Memory, packet: Uint8Array, input: SkbInput) {
    const linear = input.linear === undefined ? {} : { linear: input.linear };
    const writable = input.directWrite ?? true;
    this.packet = new Packet(memory, packet, { headroom: 256, tailroom: 512, writable, ...linear });
    this.macLength = input.macLength ?? 14;
    this.#fill(packet, input);
    const fields = {
      load: (offset: number, size: number) => this.#load(offset, size),
      checkStore: (offset: number, size: number) => checkStore(offset, size),
    };
    this.address = memory.add("struct __sk_buff", this.bytes, { fields });
  }

  get(field: SkbNumber): number {
    return this.#view.getUint32(skbFields[field][0], true);
  }

  set(field: SkbNumber, value: number): void {
    this.#view.setUint32(skbFields[field][0], value, true);
  }

  get tstamp(): bigint {
    return this.#view.getBigUint64(skbFields.tstamp[0], true);
  }

  /** Brings `len` in line with the packet; call after a change of its size. */
  sync(): void {
    this.set("len", this.packet.length);
  }

  #fill(packet: Uint8Array, input: SkbInput): void {
    this.set("ifindex", 1);
    this.set("wire_len", packet.length);
    if (this.macLength >= 14 && packet.length >= 14) {
      this.set("protocol", packet[12]! | (packet[13]! << 8));
    }
    for (const [name, value] of Object.entries(input.fields ?? {})) {
      this.set(name as SkbNumber, value);
    }
    this.bytes.set(input.cb ?? [], skbFields.cb[0]);
    this.#view.setBigUint64(skbFields.tstamp[0], input.tstamp ?? 0n, true);
    this.sync();
  }

  #load(offset: number, size: number): bigint | undefined {
    const name = fieldAt(offset);
    const field = name === undefined ? undefined : skbFields[name];
    if (name === undefined || field === undefined || offset + size > field[0] + field[1] || offset % size !== 0) {
      throw new FaultReason(`load of ${size} bytes at struct __sk_buff+${offset}, which is no field`);
    }
    const pointer = this.#pointer(name);
    if (pointer !== undefined && size !== field[1]) {
      throw new FaultReason(`load of ${size} bytes of __sk_buff.${name}; it is read as ${field[1]} bytes`);
    }
    return pointer;
  }

  #pointer(name: SkbField): bigint | undefined {
    switch (name) {
      case "data":
        return this.packet.dataAddress;
      case "data_end":
        return this.packet.endAddress;
      case "data_meta":
        return this.packet.metaAddress;
      default:
        return undefined;
    }
  }
}

function checkStore(offset: number, size: number): void {
  const name = fieldAt(offset);
  const field = name === undefined ? undefined : skbFields[name];
  const isWritable = name !== undefined && writableFields.includes(name);
  const hasSize = name === "cb" || size === field?.[1];
  if (!isWritable || !hasSize || offset + size > field![0] + field![1] || offset % Math.min(size, 8) !== 0) {
    throw new FaultReason(
      `store of ${size} bytes at struct __sk_buff+${offset} (${name ?? "no field"}) is not allowed`,
    );
  }
}
