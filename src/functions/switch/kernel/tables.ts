/** What the switch is configured with, and what it knows. */
import {
  array,
  arrayMap,
  bool,
  bytes,
  config,
  hash,
  i64,
  lruHash,
  type Packet,
  struct,
  type TypeOf,
  u16,
  u32,
  u64,
} from "iovisor/kernel";

export const maximumPorts = 64;
export const settings = config({
  ageing: u32.between(0, 1_000_000).default(300, "seconds after which a silent station is forgotten; 0: learn nothing"),
  ticksPerSecond: u32.between(1, 10_000).default(1000, "rate of the kernel's clock tick"),
  linkLocalMask: u16.default(0, "addresses 01:80:c2:00:00:0x that are forwarded: a bit for each"),
  statics: bool.default(false, "there are static entries"),
  storms: bool.default(false, "a port has storm control"),
});

/** What storm control counts a frame as: the place of its rate and of its meter. */
export const Traffic = { broadcast: 0, multicast: 1, unknown: 2 } as const;
export type Traffic = (typeof Traffic)[keyof typeof Traffic];
export const trafficKinds = 3;

export const Port = struct({
  /** Its number in the low six bits, above them a hash of its name, which is never 0. 0: there is no such port. */
  identity: u32,
  /** VLAN of untagged frames, in both directions; 0: none. An access port is a member of this VLAN alone. */
  untagged: u16,
  /** 1 for an access port. */
  access: u16,
  /** Packets per second, by traffic; `unlimited` for no limit. */
  rates: array(u32, trafficKinds),
  /** A bit for each VLAN that it is a member of. */
  members: bytes(512),
});
export type Port = TypeOf<typeof Port>;
export const unlimited = 0xffff_ffff;

export const portTable = arrayMap({ value: Port, maxEntries: maximumPorts, show: "hidden" });

/** The group of ports that a VLAN is flooded to; VLANs with the same ports share one. */
export const groups = arrayMap({ value: u16, maxEntries: 4096, show: "hidden" });

export const Station = struct({ mac: bytes(6), vlan: u16 });
export type Station = TypeOf<typeof Station>;

export const Learned = struct({
  /** The tick at which it was heard last, to within a second: writing it for each packet would cost all processors. */
  seen: u64,
  /** Identity of its port: the number alone may be that of another port by now. */
  port: u32,
  /** How often it showed up at another port. */
  moves: u32,
});

export const fdb = lruHash({ key: Station, value: Learned, maxEntries: 16_384, title: "stations" });

/** Identity of the station's port; 0 for those whose frames are dropped. */
export const statics = hash({ key: Station, value: u32, maxEntries: 1024, title: "static stations" });

/** A frame that was let in. */
export interface Admitted {
  readonly packet: Packet;
  readonly port: Port;
  readonly vlan: number;
  /** Whether it has a tag, and what that says; 0 without. */
  readonly tagged: boolean;
  readonly control: number;
  readonly now: u64;
}

export const ticks = (seconds: number): u64 => u64(seconds) * u64(settings.ticksPerSecond);

/** Signed, since another processor may have written a later tick than the one that was read here. */
export function isOlder(seen: u64, now: u64, seconds: number): boolean {
  return i64(now - seen) >= i64(ticks(seconds));
}
