import { IovisorError } from "../errors.ts";

/** A packet of a capture file. */
export interface CapturedPacket {
  /** Nanoseconds since 1970. */
  readonly timestamp: bigint;
  /** What was captured: the packet, or its beginning. */
  readonly bytes: Uint8Array;
  /** Bytes on the wire, at least those captured. */
  readonly originalLength: number;
  /** LINKTYPE_* (tcpdump.org/linktypes): see {@link linkTypes}. */
  readonly linkType: number;
  /** Name of the interface, where the file tells it. */
  readonly interface?: string;
  /** A remark about this packet (pcapng only). */
  readonly comment?: string;
  /** Which way it passed the interface (pcapng only). */
  readonly direction?: "in" | "out";
}

export const linkTypes = { ethernet: 1, ip: 101 } as const;

/** The most that readers of this family take for one packet (libpcap: MAXIMUM_SNAPLEN). */
export const longestPacket = 0x40000;

/** A packet as it would be captured whole, at `timestamp` (default 0), from an Ethernet device. */
export function capturedPacket(bytes: Uint8Array, fields: Partial<Omit<CapturedPacket, "bytes">> = {}): CapturedPacket {
  return { timestamp: 0n, originalLength: bytes.length, linkType: linkTypes.ethernet, ...fields, bytes };
}

export function badCapture(reason: string): IovisorError {
  return new IovisorError("E_FORMAT", `not a capture file: ${reason}`, "pass a pcap or pcapng file, uncompressed");
}
