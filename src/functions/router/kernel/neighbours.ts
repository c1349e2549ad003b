/** What to do with packets whose next hop is not known, and what is learned of neighbours. */
import { atomicAdd, type Bytes, drop, equal, i64, punt, time, type u8, u64, type Verdict } from "iovisor/kernel";
import { type Arrival, reject } from "./arrival.ts";
import { causes, reasons, settings } from "./reasons.ts";
import { Neighbour, State } from "./tables.ts";

/** As many packets of a next hop as the host side keeps go to it at once, then one in a tenth of a second. */
const firstPunts = 16;

function isOlder(tick: u64, now: u64, ticks: u64): boolean {
  // Signed, since another processor may have written a later tick than the one that was read here.
  return i64(now - tick) >= i64(ticks);
}

/** Notes that packets are sent to it, for the host side to see whether it is worth asking again. */
export function touch(neighbour: Neighbour): void {
  const now = time.jiffies();
  if (isOlder(neighbour.used, now, u64(settings.ticksPerSecond))) neighbour.used = now;
}

/** A packet to a neighbour that is not known, or is being looked for, or did not answer. */
export function resolve(
  arrival: Arrival,
  known: Neighbour | undefined,
  insert: (entry: Neighbour) => boolean,
): Verdict {
  const now = time.jiffies();
  if (!known) {
    const entry = Neighbour();
    entry.state = State.incomplete;
    entry.confirmed = now;
    entry.used = now;
    entry.punts = 1;
    return insert(entry) ? punt(causes.resolve) : drop(reasons.neighbourTableFull);
  }
  if (known.state === State.failed) return reject(arrival, causes.unreachable, reasons.unreachable);
  if (known.punts < firstPunts) {
    atomicAdd(known, "punts", 1);
    return punt(causes.resolve);
  }
  if (!isOlder(known.confirmed, now, u64(settings.ticksPerSecond) / 10n)) return drop(reasons.resolving);
  known.confirmed = now;
  return punt(causes.resolve);
}

/** A neighbour said where it is. Gives whether packets wait for that. */
export function learn(
  mac: Bytes<6>,
  state: u8,
  known: Neighbour | undefined,
  set: (entry: Neighbour) => boolean,
): boolean {
  const now = time.jiffies();
  const waits = known ? known.state < State.reachable : false;
  if (known && !waits && equal(known.mac, mac)) {
    known.confirmed = now;
    known.state = state;
    return false;
  }
  // A new entry and not a change in place: another processor may be reading the address.
  const entry = Neighbour();
  entry.mac = mac;
  entry.state = state;
  entry.confirmed = now;
  entry.used = known ? known.used : now;
  set(entry);
  return waits;
}
