import type { SkbContext } from "../contexts/skb.ts";
import { Errno } from "../errno.ts";
import type { Machine } from "../machine.ts";
import { arg, argI32, argU32, type HelperTable, skbContext } from "./helper.ts";

/** ETH_P_IP and ETH_P_IPV6 as `skb->protocol` holds them on a little-endian machine. */
const IPV4 = 0x0008;
const IPV6 = 0xdd86;
/** sizeof(struct ipv6hdr) - sizeof(struct iphdr). */
const HEADER_DIFFERENCE = 20;
/** BPF_SKB_MAX_LEN: the largest packet that these helpers make (SKB_MAX_ALLOC of 16 KiB blocks). */
const MAX_LENGTH = 16384;
/** BPF_F_ADJ_ROOM_MASK up to Linux 6.18: all flags but the L2 length in the top byte. */
const ROOM_FLAGS = 0x1ffn;

export const skbSizeHelpers: HelperTable = {
  /** Adds room before the Ethernet header. */
  skb_change_head: (m) => {
    const skb = skbContext(m);
    const room = argI32(m, 2);
    if (arg(m, 3) !== 0n || room < 0 || (!isGso(skb) && skb.packet.length + room > MAX_LENGTH)) {
      return Errno.EINVAL;
    }
    skb.packet.insert(0, room);
    skb.sync();
    return 0;
  },
  skb_change_tail: (m) => {
    const skb = skbContext(m);
    const length = argU32(m, 2);
    if (arg(m, 3) !== 0n || length > MAX_LENGTH || length < skb.macLength) {
      return Errno.EINVAL;
    }
    skb.packet.setLength(length);
    skb.packet.pull(length);
    skb.sync();
    return 0;
  },
  /** Between IPv4 and IPv6: makes or removes room behind the Ethernet header; the program writes the header. */
  skb_change_proto: (m) => {
    const skb = skbContext(m);
    const [from, to] = [skb.get("protocol") & 0xffff, argU32(m, 2) & 0xffff];
    if (arg(m, 3) !== 0n) {
      return Errno.EINVAL;
    }
    if (from === IPV4 && to === IPV6) {
      skb.packet.insert(skb.macLength, HEADER_DIFFERENCE);
    } else if (from === IPV6 && to === IPV4) {
      skb.packet.remove(skb.macLength, HEADER_DIFFERENCE);
    } else {
      return Errno.ENOTSUPP;
    }
    skb.set("protocol", to);
    skb.set("hash", 0);
    skb.sync();
    return 0;
  },
  skb_adjust_room: (m) => adjustRoom(m),
};

/** Grows or shrinks by argument 2, behind the network header (mode 0) or behind the Ethernet header (mode 1). */
function adjustRoom(m: Machine): number {
  const skb = skbContext(m);
  const [delta, mode, flags] = [argI32(m, 2), argU32(m, 3), arg(m, 4)];
  if ((flags & ~(ROOM_FLAGS | (0xffn << 56n))) !== 0n) {
    return Errno.EINVAL;
  }
  if (Math.abs(delta) > 0xfff) {
    return Errno.EFAULT;
  }
  const headerLength = networkHeader(skb);
  if (headerLength === undefined || mode > 1) {
    return Errno.ENOTSUPP;
  }
  const networkLength = skb.packet.length - skb.macLength;
  const tooShort = delta < 0 && networkLength + delta < headerLength;
  if (tooShort || (delta > 0 && !isGso(skb) && skb.packet.length + delta > MAX_LENGTH)) {
    return Errno.ENOTSUPP;
  }
  const at = skb.macLength + (mode === 0 ? headerLength : 0);
  if (delta < 0) {
    skb.packet.remove(at, -delta);
  } else {
    skb.packet.insert(at, delta);
  }
  skb.sync();
  return 0;
}

function networkHeader(skb: SkbContext): number | undefined {
  switch (skb.get("protocol") & 0xffff) {
    case IPV4:
      return 20;
    case IPV6:
      return 40;
    default:
      return undefined;
  }
}

function isGso(skb: SkbContext): boolean {
  return skb.get("gso_size") !== 0;
}
