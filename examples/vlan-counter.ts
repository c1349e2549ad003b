/**
 * Counts packets and bytes per VLAN, with one tag (802.1Q) or two (802.1ad).
 *
 *     ./iovisor run examples/vlan-counter.ts --attach tcx-ingress:eth0
 *
 * Where a tag is depends on the hook: a device usually takes the outer tag out of the frame, and at TCX it stands
 * beside the packet (`packet.vlanTag`); at XDP all tags are in the frame, unless the device has taken the outer one
 * away before (`ethtool -K eth0 rxvlan off` leaves it there). This counts right in each case. VLAN 0 means "no tag".
 */
import { be16, onPacket, type Packet, Pass, perCpuHash, struct, u16, u64 } from "iovisor/kernel";
import { EtherType, vlanId } from "iovisor/kernel/headers";

/** From a frame's 13th byte on: EtherType, and behind it the tag control information where the type is one of a tag. */
const Tag = struct({ type: be16, control: be16 });
const firstTag = 12;
const secondTag = 16;

export const Vlan = struct({ outer: u16, inner: u16 });
export const Usage = struct({ packets: u64, bytes: u64 });

export const vlans = perCpuHash({ key: Vlan, value: Usage, maxEntries: 4096 });

export default onPacket((packet) => {
  const beside = packet.vlanTag;
  const first = tagAt(packet, firstTag);
  const second = first === undefined ? undefined : tagAt(packet, secondTag);
  const outer = beside ?? first ?? 0;
  const inner = (beside === undefined ? second : first) ?? 0;
  count({ outer: vlanId(outer), inner: vlanId(inner) }, packet.length);
  return Pass;
});

function tagAt(packet: Packet, offset: number): u16 | undefined {
  const tag = packet.at(offset, Tag);
  if (tag?.type !== EtherType.vlan && tag?.type !== EtherType.serviceVlan) return undefined;
  return tag.control;
}

/** Nobody else writes to this processor's value, so it needs no atomics. */
function count(vlan: { outer: u16; inner: u16 }, bytes: number): void {
  const usage = vlans.ref(vlan);
  if (usage === undefined) {
    vlans.set(vlan, { packets: 1n, bytes: u64(bytes) });
    return;
  }
  usage.packets += 1n;
  usage.bytes += u64(bytes);
}
