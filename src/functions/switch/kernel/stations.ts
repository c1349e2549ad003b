/** Where stations are: learning, ageing, and finding them again. */
import { arrayMap, type Bytes, be16, be32, struct, type TypeOf, u16, u32, u64 } from "iovisor/kernel";
import { type Admitted, fdb, isOlder, Station, settings } from "./tables.ts";

/** An address in two words, for comparisons and hashes. */
export const Address = struct({ high: be32, low: be16 });
export type Address = TypeOf<typeof Address>;

/**
 * Stations that were met within the last second: one place for each value of a hash, so that frames between stations
 * that talk find both of them without a hash look-up (26 ns each). All that is learned passes here, so a place that
 * tells of a station tells what `fdb` does; only what the host side changes shows a second later.
 */
const Recent = struct({
  /** `seen` of its entry. */
  seen: u64,
  /** The station and all fields: they are not written as one, and what another processor is writing must not count. */
  check: u64,
  port: u32,
  /** The low bits of the tick at which the entry was read. */
  read: u32,
});
const recentBits = 12;
export const recent = arrayMap({ value: Recent, maxEntries: 1 << recentBits, show: "hidden" });

/** The source or the destination of a frame. */
export interface Party {
  readonly mac: Bytes<6>;
  readonly vlan: number;
  /** Address and VLAN as a number. */
  readonly station: u64;
}

export function partyOf(mac: Bytes<6>, address: Address, vlan: number): Party {
  const station = (u64(address.high) << 28n) | (u64(address.low) << 12n) | u64(vlan & 0xfff);
  return { mac, vlan, station };
}

export function keyOf({ mac, vlan }: Party): Station {
  return Station({ mac, vlan: u16(vlan) });
}

/** Fibonacci hashing: the high bits of a product depend on all bits of the factor. */
function placeOf(station: u64) {
  return recent.ref(u32((station * 0x9e37_79b9_7f4a_7c15n) >> u64(64 - recentBits)));
}

function checkOf(station: u64, seen: u64, port: u32, read: u32): u64 {
  return station ^ seen ^ (u64(port) << 32n) ^ u64(read);
}

/** What was read of a station within the last second: its port, or 0. */
function recall(station: u64, now: u64): { readonly port: u32; readonly seen: u64 } {
  const place = placeOf(station);
  if (!place) return { port: 0, seen: 0n };
  const { seen, port, read, check } = place;
  const valid = check === checkOf(station, seen, port, read) && u32(now - u64(read)) < settings.ticksPerSecond;
  return { port: valid ? port : 0, seen };
}

function remember(station: u64, seen: u64, port: u32, now: u64): void {
  const place = placeOf(station);
  if (!place) return;
  const read = u32(now);
  place.seen = seen;
  place.port = port;
  place.read = read;
  place.check = checkOf(station, seen, port, read);
}

/** Notes where the source is: IEEE 802.1Q, clause 8.7. */
export function learn(source: Party, { port, now }: Admitted): void {
  const { station } = source;
  const recalled = recall(station, now);
  if (recalled.port === port.identity && !isOlder(recalled.seen, now, 1)) return;
  const key = keyOf(source);
  const known = fdb.ref(key);
  let seen = now;
  if (!known || isOlder(known.seen, now, settings.ageing)) {
    fdb.set(key, { seen: now, port: port.identity, moves: 0 });
  } else if (known.port !== port.identity) {
    // A new entry and not a change in place: the kernel may be giving this one's memory to another station.
    fdb.set(key, { seen: now, port: port.identity, moves: u32(known.moves + 1) });
  } else if (isOlder(known.seen, now, 1)) {
    known.seen = now;
  } else {
    seen = known.seen;
  }
  remember(station, seen, port.identity, now);
}

/** The port of a station, or 0 when it is not known. */
export function portOfStation(destination: Party, now: u64): u32 {
  const { station } = destination;
  const recalled = recall(station, now);
  if (recalled.port !== 0 && !isOlder(recalled.seen, now, settings.ageing)) return recalled.port;
  const known = fdb.ref(keyOf(destination));
  if (!known || isOlder(known.seen, now, settings.ageing)) return 0;
  const { seen, port } = known;
  remember(station, seen, port, now);
  return port;
}
