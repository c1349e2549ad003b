/**
 * Counts the packets that the kernel drops, by reason and protocol.
 *
 *     ./iovisor run examples/drop-reasons.ts --for 10
 *
 * Reasons are the numbers of the kernel's enum skb_drop_reason (include/net/dropreason-core.h);
 * `bpftool btf dump file /sys/kernel/btf/vmlinux | grep SKB_DROP_REASON` lists those of the running one. Linux 5.17.
 */
import { atomicAdd, config, hash, onTracepoint, struct, u16, u32, u64 } from "iovisor/kernel";

export const Drops = struct({ reason: u32, protocol: u32 });

export const drops = hash({ key: Drops, value: u64, maxEntries: 4096 });

export const settings = config({ protocol: u16.default(0, "EtherType of the packets to count; 0: all") });

export default onTracepoint("skb:kfree_skb", (event) => {
  if (settings.protocol !== 0 && event.protocol !== settings.protocol) return;
  const key = Drops({ reason: event.reason, protocol: event.protocol });
  // Two processors may meet a new reason at once: one of them makes the entry.
  drops.insert(key, 0n);
  const count = drops.ref(key);
  if (count) atomicAdd(count, "value", 1n);
});
