/** One event per packet, and how many there were and were lost. */
import { onPacket, Pass, perCpuArray, ringBuffer, struct, time, u32, u64 } from "iovisor/kernel";

/** 32 bytes: two u64 and four u32. */
export const Sample = struct({ sequence: u64, at: u64, length: u32, queue: u32, ifindex: u32, reserved: u32 });
export const Counts = struct({ produced: u64, lost: u64 });

/** The setting of the ring's size is the map's declaration, so there are two programs for two rings. */
export const large = ringBuffer({ event: Sample, bytes: 16 * 1024 * 1024 });
export const tiny = ringBuffer({ event: Sample, bytes: 4096 });
export const counts = perCpuArray({ value: Counts, maxEntries: 1 });

export const toLarge = onPacket((packet) => {
  const count = counts.ref(0);
  if (!count) return Pass;
  count.produced += 1n;
  const sent = large.emit({
    sequence: count.produced,
    at: time.coarse(),
    length: packet.length,
    queue: packet.queue,
    ifindex: packet.ingressIfindex,
    reserved: 0,
  });
  if (!sent) count.lost += 1n;
  return Pass;
});

export const toTiny = onPacket((packet) => {
  const count = counts.ref(0);
  if (!count) return Pass;
  count.produced += 1n;
  const sent = tiny.emit({
    sequence: count.produced,
    at: time.coarse(),
    length: packet.length,
    queue: packet.queue,
    ifindex: packet.ingressIfindex,
    reserved: 0,
  });
  if (!sent) count.lost += 1n;
  return Pass;
});
