/** What a benchmark program brings beside its two sources: packets, and what its maps hold. */
import type { Maps } from "../lib/loaded.ts";

export interface PacketCase {
  /** Which path it takes: "hit", "other port". */
  readonly name: string;
  /** In the words of `buildPacket`. */
  readonly packet: string;
  /** Puts the maps in the state that this path needs, before every run. */
  readonly prepare?: (maps: Maps) => void;
  /** Bounds the repetitions of a run where the state does. */
  readonly mostRepeats?: number;
}

export interface BenchProgram {
  /** The folder's name. */
  readonly name: string;
  readonly cases: readonly PacketCase[];
  /** Packets that only the comparison of behaviour uses. */
  readonly moreFrames?: readonly string[];
  /** Fills the maps once after loading. */
  readonly fill?: (maps: Maps) => void;
  /** Bytes of map values that come from the clock and cannot be equal: [offset, length]. */
  readonly clock?: Readonly<Record<string, readonly (readonly [number, number])[]>>;
}

/** The map of that name, which both sources declare. */
export function mapOf(maps: Maps, name: string) {
  const map = maps.get(name);
  if (!map) throw new TypeError(`there is no map "${name}"; there are: ${[...maps.keys()].join(", ")}`);
  return map;
}

/** Bytes of numbers, each in its size, little-endian unless the size is written as "be16" or "be32". */
export function pack(
  ...fields: readonly (readonly ["u8" | "u16" | "u32" | "u64" | "be16" | "be32", number | bigint])[]
) {
  const sizes = { u8: 1, u16: 2, be16: 2, u32: 4, be32: 4, u64: 8 } as const;
  const bytes = new Uint8Array(fields.reduce((sum, [type]) => sum + sizes[type], 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const [type, value] of fields) {
    if (type === "u8") view.setUint8(at, Number(value));
    else if (type === "u16" || type === "be16") view.setUint16(at, Number(value), type === "u16");
    else if (type === "u32" || type === "be32") view.setUint32(at, Number(value), type === "u32");
    else view.setBigUint64(at, BigInt(value), true);
    at += sizes[type];
  }
  return bytes;
}

/** An IPv4 address as a number. */
export function ipv4(text: string): number {
  return text.split(".").reduce((sum, part) => sum * 256 + Number(part), 0);
}
