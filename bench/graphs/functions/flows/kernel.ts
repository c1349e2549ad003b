/** Counts packets by their destination: state that no apply may lose. */
import { be32, drop, dropReasons, fixedPorts, forward, hash, onPacket, u64 } from "iovisor/kernel";
import { Ethernet, EtherType, Ipv4 } from "iovisor/kernel/headers";

export const ports = fixedPorts("left", "right");
export const reasons = dropReasons({ notIpv4: "it is no IPv4 packet", full: "the table of destinations is full" });
export const destinations = hash({ key: be32, value: u64, maxEntries: 16_384 });

export default onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (ethernet?.type !== EtherType.ipv4) return drop(reasons.notIpv4);
  const ip = packet.at(Ethernet.size, Ipv4);
  if (!ip) return drop(reasons.notIpv4);
  const known = destinations.ref(ip.destination);
  if (known) {
    known.value += 1n;
    return forward(1 - packet.port);
  }
  if (!destinations.set(ip.destination, 1n)) return drop(reasons.full);
  return forward(1 - packet.port);
});
