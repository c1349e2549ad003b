import type { SkbContext } from "../contexts/skb.ts";
import { Errno } from "../errno.ts";
import { makeWritable } from "./checksum.ts";
import { arg, argSize, argU32, type HelperTable, skbContext } from "./helper.ts";

/** BPF_F_RECOMPUTE_CSUM and BPF_F_INVALIDATE_HASH. */
const STORE_FLAGS = 3n;
/** PACKET_OTHERHOST. */
const LAST_PACKET_TYPE = 3;

export const skbByteHelpers: HelperTable = {
  skb_load_bytes: (m) => {
    const { packet } = skbContext(m);
    const target = m.memory.write(arg(m, 3), argSize(m, 4));
    const source = packet.slice(argU32(m, 2), target.length);
    if (source === undefined) {
      target.fill(0);
      return Errno.EFAULT;
    }
    target.set(source);
    return 0;
  },
  skb_store_bytes: (m) => {
    const skb = skbContext(m);
    const offset = argU32(m, 2);
    const source = m.memory.read(arg(m, 3), argSize(m, 4)).slice();
    const target = skb.packet.slice(offset, source.length);
    if ((arg(m, 5) & ~STORE_FLAGS) !== 0n) {
      return Errno.EINVAL;
    }
    if (target === undefined) {
      return Errno.EFAULT;
    }
    target.set(source);
    makeWritable(skb, offset + source.length);
    if ((arg(m, 5) & 2n) !== 0n) {
      skb.set("hash", 0);
    }
    return 0;
  },
  skb_pull_data: (m) => {
    const { packet } = skbContext(m);
    const length = argU32(m, 2) === 0 ? packet.linearLength : argU32(m, 2);
    if (length > packet.length) {
      return Errno.ENOMEM;
    }
    packet.pull(length);
    return 0;
  },
  skb_change_type: (m) => {
    const skb = skbContext(m);
    const type = argU32(m, 2);
    if (skb.get("pkt_type") > LAST_PACKET_TYPE || type > LAST_PACKET_TYPE) {
      return Errno.EINVAL;
    }
    skb.set("pkt_type", type);
    return 0;
  },
  get_hash_recalc: (m) => {
    const skb = skbContext(m);
    if (skb.get("hash") === 0) {
      skb.set("hash", flowHash(skb));
    }
    return skb.get("hash");
  },
  set_hash_invalid: (m) => {
    skbContext(m).set("hash", 0);
    return 0;
  },
  set_hash: (m) => {
    skbContext(m).set("hash", argU32(m, 2));
    return 0;
  },
};

/** Stands for the kernel's keyed flow hash: FNV-1a of addresses and ports, never zero. */
function flowHash(skb: SkbContext): number {
  const network = skb.packet.copy(skb.macLength, Math.max(0, Math.min(40, skb.packet.length - skb.macLength)));
  let hash = 0x811c_9dc5;
  for (const byte of network?.subarray(8) ?? []) {
    hash = Math.imul(hash ^ byte, 0x0100_0193);
  }
  return hash >>> 0 || 1;
}
