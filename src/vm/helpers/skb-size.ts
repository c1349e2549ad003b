import type { SkbContext } from "../contexts/skb.ts";
import { Errno } from "../errno.ts";
import type { Machine } from "../machine.ts";
import { arg, argI32, argU32, type HelperTable, skbContext } from "./helper.ts";

/** ETH_P_IP and ETH_P_IPV6 as `skb->protocol` holds them on a little-endian machine. */
const IPV4 = 0x0008;
const IPV6 = 0xdd86;
/** sizeof(struct ipv6hdr) - sizeof(struct iphdr). */
const HEADER_DIFFERENCE = 20;
/** BPF_SKB_MAX_LEN: four pages without `struct skb_shared_info`. */
const MAX_LENGTH = 4 * 4096 - 320;
/** BPF_F_ADJ_ROOM_*. */
const Room = {
  fixedGso: 0x01n,
  encapsulateIpv4: 0x02n,
  encapsulate: 0x06n,
  gre: 0x08n,
  udp: 0x10n,
  keepChecksum: 0x20n,
  l2Ethernet: 0x40n,
  decapsulateIpv4: 0x80n,
  decapsulate: 0x180n,
  all: 0x1ffn,
  /** Length of an inner Ethernet header. */
  l2Length: 0xffn << 56n,
} as const;

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
  if ((flags & ~(Room.all | Room.l2Length)) !== 0n) {
    return Errno.EINVAL;
  }
  if (Math.abs(delta) > 0xfff) {
    return Errno.EFAULT;
  }
  const headerLength = networkHeader(skb);
  if (headerLength === undefined || mode > 1) {
    return Errno.ENOTSUPP;
  }
  const at = skb.macLength + (mode === 0 ? headerLength : 0);
  const problem = delta < 0 ? shrink(skb, at, delta, headerLength, flags) : grow(skb, at, delta, flags);
  skb.sync();
  return problem;
}

/** bpf_skb_net_shrink and the checks before it. */
function shrink(skb: SkbContext, at: number, delta: number, headerLength: number, flags: bigint): number {
  const decapsulates = flags & Room.decapsulate;
  if (decapsulates === Room.decapsulate) {
    return Errno.EINVAL;
  }
  const least = decapsulates === 0n ? headerLength : decapsulates === Room.decapsulateIpv4 ? 20 : 40;
  if (skb.packet.length - skb.macLength + delta < least) {
    return Errno.ENOTSUPP;
  }
  if ((flags & ~(Room.fixedGso | Room.decapsulate | Room.keepChecksum)) !== 0n) {
    return Errno.EINVAL;
  }
  if (at - delta > skb.packet.length) {
    return Errno.ENOMEM;
  }
  skb.packet.remove(at, -delta);
  if (decapsulates !== 0n) {
    skb.set("protocol", decapsulates === Room.decapsulateIpv4 ? IPV4 : IPV6);
  }
  return 0;
}

/** bpf_skb_net_grow and the checks before it. */
function grow(skb: SkbContext, at: number, delta: number, flags: bigint): number {
  if ((flags & Room.decapsulate) !== 0n) {
    return Errno.EINVAL;
  }
  if (!isGso(skb) && skb.packet.length + delta > MAX_LENGTH) {
    return Errno.ENOTSUPP;
  }
  if ((flags & Room.encapsulate) !== 0n) {
    const innerMac = Number((flags & Room.l2Length) >> 56n);
    const isEthernet = (flags & Room.l2Ethernet) !== 0n;
    const contradicts = has(flags, Room.encapsulate) || has(flags, Room.gre | Room.udp);
    if (contradicts || innerMac > delta || (isEthernet && innerMac < 14)) {
      return Errno.EINVAL;
    }
    if (skb.encapsulated) {
      return Errno.EALREADY;
    }
    skb.encapsulated = true;
    skb.set("protocol", (flags & Room.encapsulateIpv4) !== 0n ? IPV4 : IPV6);
  }
  skb.packet.insert(at, delta);
  return 0;
}

function has(flags: bigint, all: bigint): boolean {
  return (flags & all) === all;
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
