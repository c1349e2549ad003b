/** Forwards from port to port and looks at every packet's headers. */
import { drop, dropReasons, fixedPorts, forward, onPacket } from "iovisor/kernel";
import { Ethernet, EtherType, Ipv4 } from "iovisor/kernel/headers";

export const ports = fixedPorts("left", "right");
export const reasons = dropReasons({ short: "the frame ends within a header", expired: "its time to live is over" });

export default onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (!ethernet) return drop(reasons.short);
  if (ethernet.type === EtherType.ipv4) {
    const ip = packet.at(Ethernet.size, Ipv4);
    if (!ip) return drop(reasons.short);
    if (ip.ttl === 0) return drop(reasons.expired);
  }
  return forward(1 - packet.port);
});
