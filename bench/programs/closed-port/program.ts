/** Drops TCP to a closed port and counts it by source. */
import { atomicAdd, be32, config, Drop, lruHash, onPacket, Pass, struct, u16, u64 } from "iovisor/kernel";
import { Ethernet, EtherType, Ipv4, Ports, Protocol } from "../headers.ts";

export const Usage = struct({ packets: u64, bytes: u64 });
export const usage = lruHash({ key: be32, value: Usage, maxEntries: 65536 });
export const settings = config({ closedPort: u16.default(9999, "TCP port that is closed") });

export const program = onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (ethernet?.type !== EtherType.ipv4) return Pass;
  const ip = packet.at(Ethernet.size, Ipv4);
  if (ip?.protocol !== Protocol.tcp) return Pass;
  const ports = packet.at(Ethernet.size + ip.headerWords * 4, Ports);
  if (ports?.destination !== settings.closedPort) return Pass;

  const length = u64(packet.length);
  const seen = usage.ref(ip.source);
  if (seen) {
    atomicAdd(seen, "packets", 1n);
    atomicAdd(seen, "bytes", length);
  } else {
    usage.set(ip.source, { packets: 1n, bytes: length });
  }
  return Drop;
});
