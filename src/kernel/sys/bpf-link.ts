/** The link commands of bpf(2), one function each. All return the call's result or the negative error number. */
import { Attributes } from "./attributes.ts";
import { command } from "./constants.ts";

/** The part of BPF_LINK_CREATE that differs by attach type. */
export type LinkDetail =
  /** TCX, netkit and (Linux 6.17) cgroup: where among others. `relative` is a descriptor, or an id with BPF_F_ID. */
  | { readonly kind: "anchor"; readonly relative?: number; readonly expectedRevision?: bigint }
  | { readonly kind: "perf"; readonly cookie?: bigint }
  | { readonly kind: "tracing"; readonly targetBtfId?: number; readonly cookie?: bigint }
  | { readonly kind: "iterator"; readonly info: Uint8Array }
  | {
      readonly kind: "netfilter";
      readonly protocolFamily: number;
      readonly hook: number;
      /** Signed; lower runs earlier. */
      readonly priority: number;
      readonly flags?: number;
    }
  | {
      readonly kind: "kprobeMulti";
      readonly flags?: number;
      readonly symbols: readonly string[];
      readonly cookies?: BigUint64Array;
    }
  | {
      readonly kind: "uprobeMulti";
      readonly path: string;
      readonly offsets: BigUint64Array;
      readonly flags?: number;
      readonly pid?: number;
      readonly cookies?: BigUint64Array;
    };

/** Arguments of BPF_LINK_CREATE. */
export interface LinkCreateOptions {
  readonly programFd: number;
  /** A descriptor (cgroup, namespace, perf event) or an interface index; 0 where the hook has no target. */
  readonly target: number;
  readonly attachType: number;
  readonly flags?: number;
  readonly detail?: LinkDetail;
}

/** BPF_F_* of BPF_LINK_CREATE for TCX and netkit. */
export const anchorFlags = { replace: 1 << 2, before: 1 << 3, after: 1 << 4, id: 1 << 5, link: 1 << 13 } as const;

function bytesOf(array: BigUint64Array | undefined): Uint8Array | undefined {
  return array && new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function setKprobeMulti(attributes: Attributes, detail: LinkDetail & { kind: "kprobeMulti" }): void {
  const text = new TextEncoder().encode(detail.symbols.map((symbol) => symbol + "\0").join(""));
  const pointers = new BigUint64Array(detail.symbols.length);
  // One buffer holds all names; the table points into it, and `attributes` keeps both alive.
  attributes.pointer(24, text);
  let address = attributes.getU64(24);
  detail.symbols.forEach((symbol, index) => {
    pointers[index] = address;
    address += BigInt(Buffer.byteLength(symbol) + 1);
  });
  attributes
    .u32(16, detail.flags ?? 0)
    .u32(20, detail.symbols.length)
    .pointer(24, bytesOf(pointers))
    .pointer(40, bytesOf(detail.cookies));
}

function setDetail(attributes: Attributes, detail: LinkDetail): void {
  switch (detail.kind) {
    case "anchor":
      attributes.u32(16, detail.relative ?? 0).u64(24, detail.expectedRevision ?? 0n);
      return;
    case "perf":
      attributes.u64(16, detail.cookie ?? 0n);
      return;
    case "tracing":
      attributes.u32(16, detail.targetBtfId ?? 0).u64(24, detail.cookie ?? 0n);
      return;
    case "iterator":
      attributes.pointer(16, detail.info).u32(24, detail.info.length);
      return;
    case "netfilter":
      attributes
        .u32(16, detail.protocolFamily)
        .u32(20, detail.hook)
        .u32(24, detail.priority)
        .u32(28, detail.flags ?? 0);
      return;
    case "kprobeMulti":
      setKprobeMulti(attributes, detail);
      return;
    case "uprobeMulti":
      attributes
        .text(16, detail.path)
        .pointer(24, bytesOf(detail.offsets))
        .pointer(40, bytesOf(detail.cookies))
        .u32(48, detail.offsets.length)
        .u32(52, detail.flags ?? 0)
        .u32(56, detail.pid ?? 0);
      return;
  }
}

/** Attaches a program; returns the link's descriptor. The attachment ends when no descriptor and no pin is left. */
export function linkCreate(options: LinkCreateOptions): number {
  const attributes = new Attributes()
    .u32(0, options.programFd)
    .u32(4, options.target)
    .u32(8, options.attachType)
    .u32(12, options.flags ?? 0);
  if (options.detail) setDetail(attributes, options.detail);
  return attributes.call(command.linkCreate);
}

const BPF_F_REPLACE = 1 << 2;

/**
 * Replaces the program behind a link at once: every event meets the old program or the new one. With `oldProgramFd`
 * only if that one is there still.
 */
export function linkUpdate(linkFd: number, programFd: number, oldProgramFd?: number): number {
  const attributes = new Attributes().u32(0, linkFd).u32(4, programFd);
  if (oldProgramFd !== undefined) attributes.u32(8, BPF_F_REPLACE).u32(12, oldProgramFd);
  return attributes.call(command.linkUpdate);
}

/** Detaches although descriptors or pins of the link remain. */
export function linkDetach(linkFd: number): number {
  return new Attributes().u32(0, linkFd).call(command.linkDetach);
}

/** Opens an iterator link for reading; returns the descriptor. */
export function iteratorCreate(linkFd: number): number {
  return new Attributes().u32(0, linkFd).call(command.iteratorCreate);
}
