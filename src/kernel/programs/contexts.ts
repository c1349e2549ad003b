/** Contexts for test runs, laid out as the kernel reads them (include/uapi/linux/bpf.h, net/bpf/test_run.c). */

/** `struct xdp_md`. */
export interface XdpContextFields {
  readonly packetLength: number;
  /** Bytes of metadata at the front of the given packet: a multiple of 4, at most 32 (252 since Linux 6.17). */
  readonly metadataLength?: number;
  /** The device that the frame seems to come from; it must exist in the caller's network namespace. */
  readonly ingressIfindex?: number;
  readonly rxQueue?: number;
}

const XDP_MD_SIZE = 24;

/** The context for a test run of an XDP program on a packet of that length. */
export function xdpContext(fields: XdpContextFields): Uint8Array {
  const view = new DataView(new ArrayBuffer(XDP_MD_SIZE));
  view.setUint32(0, fields.metadataLength ?? 0, true);
  view.setUint32(4, fields.packetLength, true);
  view.setUint32(12, fields.ingressIfindex ?? 0, true);
  view.setUint32(16, fields.rxQueue ?? 0, true);
  return new Uint8Array(view.buffer);
}

/** The fields of `struct __sk_buff` that a test run takes. */
export interface SkbContextFields {
  readonly mark?: number;
  readonly priority?: number;
  readonly ingressIfindex?: number;
  readonly ifindex?: number;
  /** The control block: up to five words. */
  readonly cb?: readonly number[];
  /** Nanoseconds. */
  readonly timestamp?: bigint;
  readonly wireLength?: number;
  readonly gsoSegments?: number;
  readonly gsoSize?: number;
}

const SK_BUFF_SIZE = 192;
const SK_BUFF = { mark: 8, priority: 32, ingressIfindex: 36, ifindex: 40, cb: 48, timestamp: 152, wireLength: 160 };
const GSO_SEGMENTS = 164;
const GSO_SIZE = 176;

/** The context for a test run of a tc program. */
export function skbContext(fields: SkbContextFields): Uint8Array {
  const view = new DataView(new ArrayBuffer(SK_BUFF_SIZE));
  const set = (offset: number, value: number | undefined): void => {
    view.setUint32(offset, value ?? 0, true);
  };
  set(SK_BUFF.mark, fields.mark);
  set(SK_BUFF.priority, fields.priority);
  set(SK_BUFF.ingressIfindex, fields.ingressIfindex);
  set(SK_BUFF.ifindex, fields.ifindex);
  for (const [index, word] of (fields.cb ?? []).entries()) set(SK_BUFF.cb + 4 * index, word);
  view.setBigUint64(SK_BUFF.timestamp, fields.timestamp ?? 0n, true);
  set(SK_BUFF.wireLength, fields.wireLength);
  set(GSO_SEGMENTS, fields.gsoSegments);
  set(GSO_SIZE, fields.gsoSize);
  return new Uint8Array(view.buffer);
}
