/** Brings what comes from many ports to port 0, and what comes from there back to one of them. */
import { config, drop, dropReasons, dynamicPorts, forward, onPacket, u32 } from "iovisor/kernel";
import { Ethernet } from "iovisor/kernel/headers";

export const ports = dynamicPorts({ maximum: 64 });
export const reasons = dropReasons({ tooShort: "the frame ends within its header" });
export const settings = config({ least: u32.between(1, 8).default(1, "the first of the many ports") });

export default onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (!ethernet) return drop(reasons.tooShort);
  if (packet.port !== 0) return forward(0);
  return forward(settings.least + (ethernet.destination[5] & 15));
});
