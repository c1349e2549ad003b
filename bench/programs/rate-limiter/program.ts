/** A token bucket per IPv4 source; the credit is nanoseconds. */
import { be32, Drop, lruHash, min, onPacket, Pass, perCpuArray, struct, time, u64 } from "iovisor/kernel";
import { Ethernet, EtherType, Ipv4 } from "../headers.ts";

/** Nanoseconds that one packet costs, and what a source can save up. */
const cost = 1000n;
const burst = 1_000_000_000n;

export const Bucket = struct({ credit: u64, updated: u64 });
export const buckets = lruHash({ key: be32, value: Bucket, maxEntries: 65536 });
export const dropped = perCpuArray({ value: u64, maxEntries: 1 });

export const program = onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (ethernet?.type !== EtherType.ipv4) return Pass;
  const ip = packet.at(Ethernet.size, Ipv4);
  if (!ip) return Pass;

  const now = time.now();
  const bucket = buckets.ref(ip.source);
  if (!bucket) {
    buckets.set(ip.source, { credit: burst - cost, updated: now });
    return Pass;
  }
  const credit = min(bucket.credit + (now - bucket.updated), burst);
  bucket.updated = now;
  if (credit < cost) {
    bucket.credit = credit;
    const count = dropped.ref(0);
    if (count) count.value += 1n;
    return Drop;
  }
  bucket.credit = credit - cost;
  return Pass;
});
