import type { SkbContext } from "../contexts/skb.ts";
import { Errno } from "../errno.ts";
import { argU32, type HelperTable, skbContext } from "./helper.ts";

/** Ethernet types in the order that `skb->protocol` has on a little-endian machine. */
const CTAG = 0x0081;
const STAG = 0xa888;
/** Where a tag lies: behind the two MAC addresses. */
const TAG_OFFSET = 12;

/** A tag lies in the skb's fields ("accelerated"); a second one goes into the packet (net/core/skbuff.c). */
export const skbVlanHelpers: HelperTable = {
  skb_vlan_push: (m) => {
    const skb = skbContext(m);
    const wanted = argU32(m, 2) & 0xffff;
    const protocol = wanted === STAG ? STAG : CTAG;
    if (skb.get("vlan_present") !== 0) {
      insertTag(skb, skb.get("vlan_proto"), skb.get("vlan_tci"));
    }
    setTag(skb, protocol, argU32(m, 3) & 0xffff);
    return 0;
  },
  skb_vlan_pop: (m) => {
    const skb = skbContext(m);
    if (skb.get("vlan_present") !== 0) {
      clearTag(skb);
    } else if (isTag(skb.get("protocol")) && removeTag(skb) === undefined) {
      return Errno.ENOMEM;
    }
    const protocol = skb.get("protocol");
    if (isTag(protocol)) {
      const tci = removeTag(skb);
      if (tci === undefined) {
        return Errno.ENOMEM;
      }
      setTag(skb, protocol, tci);
    }
    skb.packet.pull(0);
    return 0;
  },
};

function isTag(protocol: number): boolean {
  return protocol === CTAG || protocol === STAG;
}

function setTag(skb: SkbContext, protocol: number, tci: number): void {
  skb.set("vlan_present", 1);
  skb.set("vlan_proto", protocol);
  skb.set("vlan_tci", tci);
  skb.packet.pull(0);
}

function clearTag(skb: SkbContext): void {
  skb.set("vlan_present", 0);
  skb.set("vlan_proto", 0);
  skb.set("vlan_tci", 0);
}

function insertTag(skb: SkbContext, protocol: number, tci: number): void {
  skb.packet.insert(TAG_OFFSET, 4);
  const tag = [protocol & 0xff, protocol >> 8, tci >> 8, tci & 0xff];
  skb.packet.slice(TAG_OFFSET, 4)!.set(tag);
  skb.set("protocol", protocol);
  skb.sync();
}

/** Takes the tag out of the packet and gives its TCI (undefined: it is cut off); `protocol` becomes what follows. */
function removeTag(skb: SkbContext): number | undefined {
  const tag = skb.packet.copy(TAG_OFFSET, 6);
  if (tag === undefined) {
    return undefined;
  }
  skb.packet.remove(TAG_OFFSET, 4);
  skb.set("protocol", tag[4]! | (tag[5]! << 8));
  skb.sync();
  return (tag[2]! << 8) | tag[3]!;
}
