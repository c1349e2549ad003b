/** A count-min sketch of SYNs per IPv4 source; sources whose estimate is above the limit are dropped. */
import { arrayMap, Drop, onPacket, Pass, u32, u64 } from "iovisor/kernel";
import { Ethernet, EtherType, Ipv4, Protocol, Tcp, TcpFlag } from "../headers.ts";

const columns = 1024;
const limit = 1_000_000_000n;

export const sketch = arrayMap({ value: u64, maxEntries: 4 * columns });

function mix(start: u32): u32 {
  const value = u32((start ^ (start >>> 16)) * 0x45d9f3b);
  return value ^ (value >>> 16);
}

export const program = onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (ethernet?.type !== EtherType.ipv4) return Pass;
  const ip = packet.at(Ethernet.size, Ipv4);
  if (ip?.protocol !== Protocol.tcp) return Pass;
  const tcp = packet.at(Ethernet.size + ip.headerWords * 4, Tcp);
  if (!tcp || (tcp.flags & (TcpFlag.syn | TcpFlag.ack)) !== TcpFlag.syn) return Pass;

  let least: u64 = 0xffff_ffff_ffff_ffffn;
  for (const row of [0, 1, 2, 3]) {
    const column = mix(u32(ip.source + row * 0x9e3779b9)) & (columns - 1);
    const count = sketch.ref(row * columns + column);
    if (!count) return Pass;
    count.value += 1n;
    if (count.value < least) least = count.value;
  }
  return least > limit ? Drop : Pass;
});
