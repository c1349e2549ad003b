/** Forwards from port to port, writes the version that it was compiled for, and has state that must outlive it. */
import { config, drop, dropReasons, fixedPorts, forward, hash, onPacket, u32 } from "iovisor/kernel";
import { Ethernet } from "iovisor/kernel/headers";

export const ports = fixedPorts("left", "right");
export const reasons = dropReasons({ short: "the frame ends within a header" });
export const settings = config({ version: u32.default(0, "of this program") });
export const state = hash({ key: u32, value: u32, maxEntries: 1024 });

export default onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (!ethernet) return drop(reasons.short);
  const value = state.ref(1);
  if (value) ethernet.source[4] = 7;
  ethernet.source[5] = settings.version & 255;
  return forward(1 - packet.port);
});
