/** Lets TCP and UDP through to ports of the list only, and counts per range. */
import { array, arrayMap, Drop, onPacket, Pass, perCpuArray, range, struct, u16, u32, u64 } from "iovisor/kernel";
import { Ethernet, EtherType, Ipv4, Ports, Protocol } from "../headers.ts";

const ranges = 16;
export const PortRange = struct({ low: u16, high: u16 });
export const Acl = struct({ used: u32, ranges: array(PortRange, ranges) });
export const acl = arrayMap({ value: Acl, maxEntries: 1 });
export const hits = perCpuArray({ value: u64, maxEntries: ranges });

export const program = onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (ethernet?.type !== EtherType.ipv4) return Pass;
  const ip = packet.at(Ethernet.size, Ipv4);
  if (!ip) return Pass;
  if (ip.protocol !== Protocol.tcp && ip.protocol !== Protocol.udp) return Pass;
  const ports = packet.at(Ethernet.size + ip.headerWords * 4, Ports);
  if (!ports) return Drop;
  const port = ports.destination;

  const list = acl.ref(0);
  if (!list) return Drop;
  for (const i of range(ranges)) {
    if (i >= list.used) break;
    const one = list.ranges[i];
    if (one && port >= one.low && port <= one.high) {
      const count = hits.ref(i);
      if (count) count.value += 1n;
      return Pass;
    }
  }
  return Drop;
});
