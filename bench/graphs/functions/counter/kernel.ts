/** Reads the IPv4 header and counts by the kind of service, as functions in a chain do at the least. */
import {
  arrayMap,
  config,
  drop,
  dropReasons,
  fixedPorts,
  forward,
  onPacket,
  perCpuArray,
  u32,
  u64,
} from "iovisor/kernel";
import { Ethernet, EtherType, Ipv4 } from "iovisor/kernel/headers";

export const ports = fixedPorts("left", "right");
export const reasons = dropReasons({ notIpv4: "it is no IPv4 packet" });
export const settings = config({ weight: u32.default(1, "what a packet counts for") });
export const classes = arrayMap({ value: u32, maxEntries: 64 });
export const seen = perCpuArray({ value: u64, maxEntries: 2 });

export default onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (ethernet?.type !== EtherType.ipv4) return drop(reasons.notIpv4);
  const ip = packet.at(Ethernet.size, Ipv4);
  if (!ip) return drop(reasons.notIpv4);
  const kind = classes.ref(ip.dscp);
  const count = seen.ref(kind && kind.value > 0 ? 1 : 0);
  if (count) count.value += u64(settings.weight);
  return forward(1 - packet.port);
});
