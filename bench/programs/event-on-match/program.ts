/** An event for every TCP connection attempt to the watched port. */
import { arrayMap, atomicAdd, config, onPacket, Pass, ringBuffer, struct, u16, u32, u64 } from "iovisor/kernel";
import { Ethernet, EtherType, Ipv4, Protocol, Tcp, TcpFlag } from "../headers.ts";

export const Attempt = struct({
  source: u32,
  destination: u32,
  sourcePort: u16,
  destinationPort: u16,
  length: u32,
});
export const events = ringBuffer({ event: Attempt, bytes: 16 * 1024 * 1024 });
export const Lost = struct({ events: u64 });
export const lost = arrayMap({ value: Lost, maxEntries: 1 });
export const settings = config({ watchedPort: u16.default(22, "TCP port to watch") });

export const program = onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (ethernet?.type !== EtherType.ipv4) return Pass;
  const ip = packet.at(Ethernet.size, Ipv4);
  if (ip?.protocol !== Protocol.tcp || ip.headerWords !== 5) return Pass;
  const tcp = packet.at(Ethernet.size + Ipv4.size, Tcp);
  if (tcp?.destination !== settings.watchedPort) return Pass;
  if ((tcp.flags & (TcpFlag.syn | TcpFlag.ack)) !== TcpFlag.syn) return Pass;

  const sent = events.emit({
    source: ip.source,
    destination: ip.destination,
    sourcePort: tcp.source,
    destinationPort: tcp.destination,
    length: packet.length,
  });
  if (!sent) {
    const count = lost.ref(0);
    if (count) atomicAdd(count, "events", 1n);
  }
  return Pass;
});
