/** Counts by the innermost VLAN, 0 for untagged frames; frames with more than two tags are dropped. */
import { arrayMap, atomicAdd, Drop, onPacket, Pass, struct, type u16, type u32, u64 } from "iovisor/kernel";
import { Ethernet, EtherType, Vlan } from "../headers.ts";

export const Traffic = struct({ packets: u64, bytes: u64 });
export const vlans = arrayMap({ value: Traffic, maxEntries: 4096 });

function isTag(type: u16): boolean {
  return type === EtherType.vlan || type === EtherType.serviceVlan;
}

export const program = onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (!ethernet) return Pass;

  let type: u16 = ethernet.type;
  let vlan: u32 = 0;
  for (const tags of [0, 1]) {
    if (!isTag(type)) break;
    const tag = packet.at(Ethernet.size + tags * Vlan.size, Vlan);
    if (!tag) return Drop;
    vlan = tag.control & 0x0fff;
    type = tag.type;
  }
  if (isTag(type)) return Drop;

  const traffic = vlans.ref(vlan);
  if (traffic) {
    atomicAdd(traffic, "packets", 1n);
    atomicAdd(traffic, "bytes", u64(packet.length));
  }
  return Pass;
});
