/** Sixteen tests add to a score. */
import { Drop, onPacket, Pass } from "iovisor/kernel";
import { Ipv4, Tcp } from "iovisor/kernel/headers";
export default onPacket((packet) => {
  const ip = packet.at(14, Ipv4);
  const tcp = packet.at(34, Tcp);
  if (!ip || !tcp) return Drop;
  let score = 0;
  if (ip.source === ip.destination) score += 50;
  if (ip.ttl < 5) score += 5;
  if (ip.headerWords > 5) score += 10;
  if (ip.fragment !== 0) score += 6;
  if (ip.length < 60) score += 20;
  if (ip.id === 0) score += 11;
  if (ip.dscp === 5) score += 13;
  if (ip.ecn === 1) score += 19;
  if (ip.checksum === 0) score += 17;
  if (tcp.flags === 0) score += 40;
  if (tcp.window < 64) score += 9;
  if (tcp.urgent > 0) score += 8;
  if (tcp.source === 0) score += 21;
  if (tcp.reserved !== 0) score += 4;
  if (tcp.destination === 0) score += 33;
  if (tcp.sequence === 0) score += 3;
  return score > 50 ? Drop : Pass;
});
