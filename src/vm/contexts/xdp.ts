import { FaultReason } from "../fault.ts";
import type { Memory } from "../memory.ts";
import type { Redirect } from "./context.ts";
import { Packet } from "./packet.ts";

/** XDP_PACKET_HEADROOM, include/uapi/linux/bpf.h. */
const HEADROOM = 256;
/** Room for `struct skb_shared_info` behind the packet. */
const TAILROOM = 320;

export interface XdpInput {
  /** Default 1, the loopback interface, as in BPF_PROG_TEST_RUN. */
  readonly ingressIfindex?: number;
  readonly rxQueueIndex?: number;
  /** For programs in a devmap. */
  readonly egressIfindex?: number;
  /** Bytes that the program reaches directly; the rest lies in fragments. Default: all. */
  readonly linear?: number;
  /** Bytes of the buffer, headroom and tailroom included. Default 4096, or what the packet needs. */
  readonly frameSize?: number;
}

/** `struct xdp_md`: 4-byte fields; the first three load as packet pointers (net/core/filter.c). */
export class XdpContext {
  readonly kind = "xdp";
  readonly packet: Packet;
  readonly address: bigint;
  readonly ingressIfindex: number;
  redirect: Redirect | undefined;

  constructor(memory: Memory, packet: Uint8Array, input: XdpInput) {
    const frame = Math.max(input.frameSize ?? 4096, HEADROOM + packet.length + TAILROOM);
    const tailroom = frame - HEADROOM - packet.length - TAILROOM;
    const linear = input.linear === undefined ? {} : { linear: input.linear };
    this.packet = new Packet(memory, packet, { headroom: HEADROOM, tailroom, writable: true, ...linear });
    this.ingressIfindex = input.ingressIfindex ?? 1;
    const bytes = new Uint8Array(24);
    const view = new DataView(bytes.buffer);
    view.setUint32(12, this.ingressIfindex, true);
    view.setUint32(16, input.rxQueueIndex ?? 0, true);
    view.setUint32(20, input.egressIfindex ?? 0, true);
    const fields = {
      load: (offset: number, size: number) => this.#load(offset, size),
      checkStore: () => {
        throw new FaultReason("store to struct xdp_md, which is read-only");
      },
    };
    this.address = memory.add("struct xdp_md", bytes, { fields });
  }

  #load(offset: number, size: number): bigint | undefined {
    if (size !== 4 || offset % 4 !== 0) {
      throw new FaultReason(`load of ${size} bytes at struct xdp_md+${offset}: fields are read as 4 aligned bytes`);
    }
    switch (offset) {
      case 0:
        return this.packet.dataAddress;
      case 4:
        return this.packet.endAddress;
      case 8:
        return this.packet.metaAddress;
      default:
        return undefined;
    }
  }
}
