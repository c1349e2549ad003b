/**
 * A policer: what a device sends is held to a rate in bytes per second; what is above that is dropped.
 *
 *     ./iovisor run examples/egress-policer.ts --attach tcx-egress:eth0 --set bytesPerSecond=1250000
 *
 * One token bucket for the device, under a spin lock. It is counted in nanoseconds of sending at the full rate rather
 * than in bytes: that needs no multiplication that could overflow, and no division but one per packet. A packet that
 * the device will cut into segments (GSO) comes as one, and counts with all its bytes.
 */
import {
  arrayMap,
  config,
  Drop,
  min,
  onPacket,
  Pass,
  spinLock,
  struct,
  time,
  u32,
  u64,
  withLock,
} from "iovisor/kernel";

const second = 1_000_000_000n;

export const Bucket = struct({
  lock: spinLock,
  /** When `credit` was last brought up to date, in nanoseconds since boot. */
  updatedAt: u64,
  /** Nanoseconds of sending that are paid for. */
  credit: u64,
  passedPackets: u64,
  passedBytes: u64,
  droppedPackets: u64,
  droppedBytes: u64,
});

export const bucket = arrayMap({ value: Bucket, maxEntries: 1 });

export const settings = config({
  bytesPerSecond: u64.between(1_000n, 100_000_000_000n).default(12_500_000n, "bytes per second in the long run"),
  burst: u32.between(1_500, 1_000_000_000).default(65_536, "bytes at once after a pause"),
});

export default onPacket((packet) => {
  const state = bucket.ref(0);
  if (state === undefined) return Pass;
  const bytes = u64(packet.length);
  const cost = (bytes * second) / settings.bytesPerSecond;
  const limit = (u64(settings.burst) * second) / settings.bytesPerSecond;
  const now = time.now();

  const passes = withLock(state.lock, () => {
    // Another processor may have read its clock later and come here first.
    const elapsed = now > state.updatedAt ? now - state.updatedAt : 0n;
    const credit = min(state.credit + elapsed, limit);
    const paid = credit >= cost;
    state.credit = paid ? credit - cost : credit;
    state.updatedAt = state.updatedAt + elapsed;
    if (paid) {
      state.passedPackets += 1n;
      state.passedBytes += bytes;
    } else {
      state.droppedPackets += 1n;
      state.droppedBytes += bytes;
    }
    return paid;
  });
  return passes ? Pass : Drop;
});
