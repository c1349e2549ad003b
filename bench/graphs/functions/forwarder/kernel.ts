/** Passes frames between its two ports. */
import { fixedPorts, forward, onPacket } from "iovisor/kernel";

export const ports = fixedPorts("left", "right");

export default onPacket((packet) => forward(1 - packet.port));
