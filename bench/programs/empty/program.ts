import { onPacket, Pass } from "iovisor/kernel";

export const program = onPacket(() => Pass);
