import type { PacketFilter } from "../../capture/filter.ts";
import * as build from "../../compiler/hir/build.ts";
import type { MapDeclaration } from "../../compiler/hir/tree.ts";

/**
 * Taps: where packets are looked at. They are part of what a pipeline is made from: programs of pipelines that nobody
 * looks at have nothing of them.
 */

const u8 = build.integer(8);
const u16 = build.integer(16);
const u32 = build.integer(32);
const u64 = build.integer(64);

/** Numbers of an instance's ports, or all of them. */
export type TapPorts = readonly number[] | "all";

/** What of an instance is looked at. */
export interface TapPoints {
  /** Packets that come in there, with what becomes of them. */
  readonly in: TapPorts;
  /** Packets that leave there. */
  readonly out: TapPorts;
  /** Packets that came in there and are dropped. */
  readonly dropped: TapPorts;
}

export interface Tap {
  /** 0 to `mostTaps - 1`: its place among those of a data path. */
  readonly number: number;
  /** A packet that was let through once is looked at in all functions behind, whatever they make of it. */
  readonly follows: boolean;
  readonly filter: PacketFilter | undefined;
  /** Bytes of each packet at most. */
  readonly snapBytes: number;
  /** Of its ring: a power of two. */
  readonly ringBytes: number;
  /** By instance. */
  readonly points: Readonly<Record<string, TapPoints>>;
}

export const mostTaps = 4;

/** What happened to a packet when it was looked at. The order is that of the verdicts, but for the last. */
export const tapEvents = { host: 0, drop: 1, out: 2, flood: 3, punt: 4, in: 5 } as const;
export type TapEvent = keyof typeof tapEvents;

/** In front of a packet that was looked at. */
export const Observation = build.struct("Observation", {
  /** Of the packet, where it was let through on its way in: its verdict has the same. Else 0. */
  id: u64,
  /** Nanoseconds of the monotonic clock. */
  time: u64,
  /** Port, reason or group (and tag), as the event has it. */
  argument: u32,
  /** Identity of the instance. */
  instance: u16,
  /** Number of the port that it came in on. */
  port: u16,
  /** The tag that stands beside the frame: see `readTagBeside`. */
  tag: u32,
  event: u8,
});

/** The maps of a tap: a ring, and how many records found no room in it. */
export const tapMaps = 2;

export function tapRing(tap: Pick<Tap, "number">): string {
  return `iov_tap${tap.number}`;
}

export function tapLosses(tap: Pick<Tap, "number">): string {
  return `iov_tap${tap.number}_lost`;
}

export function tapDeclarations(tap: Tap): readonly MapDeclaration[] {
  const { snapBytes, ringBytes } = tap;
  return [
    build.map("ringBuffer", {
      name: tapRing(tap),
      value: Observation,
      maxEntries: ringBytes,
      packetBytes: snapBytes,
    }),
    build.map("perCpuArray", { name: tapLosses(tap), key: u32, value: u64, maxEntries: 1 }),
  ];
}

/** The taps that look at any of these instances, with nothing about others: what a pipeline's program depends on. */
export function tapsOf(taps: readonly Tap[], instances: ReadonlySet<string>): readonly Tap[] {
  return taps.flatMap((tap) => {
    const points = Object.entries(tap.points).filter(([instance]) => instances.has(instance));
    return points.length === 0 ? [] : [{ ...tap, points: Object.fromEntries(points) }];
  });
}
