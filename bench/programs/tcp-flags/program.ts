/** A histogram of the six classic TCP flags; "Christmas trees" and null scans are dropped. */
import { Drop, onPacket, Pass, perCpuArray, u64 } from "iovisor/kernel";
import { Ethernet, EtherType, Ipv4, Protocol, Tcp } from "../headers.ts";

export const flags = perCpuArray({ value: u64, maxEntries: 64 });

export const program = onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (ethernet?.type !== EtherType.ipv4) return Pass;
  const ip = packet.at(Ethernet.size, Ipv4);
  if (ip?.protocol !== Protocol.tcp) return Pass;
  if ((ip.fragment & 0x1fff) !== 0) return Pass;
  const tcp = packet.at(Ethernet.size + ip.headerWords * 4, Tcp);
  if (!tcp) return Pass;

  const bits = tcp.flags & 0x3f;
  const count = flags.ref(bits);
  if (count) count.value += 1n;
  return bits === 0 || bits === 0x29 ? Drop : Pass;
});
