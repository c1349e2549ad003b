/** Twelve tests set a flag each; a counter for each flag. */
import { array, Drop, onPacket, Pass, perCpuArray, type u32, u64 } from "iovisor/kernel";
import { Ipv4 } from "iovisor/kernel/headers";
export const counts = perCpuArray({ value: array(u64, 32), maxEntries: 1 });
export default onPacket((packet) => {
  const ip = packet.at(14, Ipv4);
  const c = counts.ref(0);
  if (!ip || !c) return Drop;
  let flags: u32 = 0;
  if (ip.source === ip.destination) flags |= 1;
  if (ip.source >>> 24 === 127) flags |= 2;
  if (ip.source >>> 28 === 14) flags |= 4;
  if (ip.source >>> 24 === 0) flags |= 8;
  if (ip.ttl < 5) flags |= 16;
  if (ip.headerWords > 5) flags |= 32;
  if ((ip.fragment & 0x3fff) !== 0) flags |= 64;
  if (ip.length < 60) flags |= 128;
  if (ip.length + 14 > packet.length) flags |= 256;
  if (ip.protocol === 17) flags |= 512;
  if (ip.id === 0) flags |= 1024;
  if (ip.dscp === 5) flags |= 2048;
  for (let i = 0; i < 18; i++) {
    if (flags & (1 << i)) c[i] += 1n;
  }
  return flags > 5 ? Drop : Pass;
});
