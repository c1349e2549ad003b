/** Packets, bytes and time of the last packet of each TCP and UDP flow. */
import { atomicAdd, be16, be32, lruHash, onPacket, Pass, struct, time, u32, u64 } from "iovisor/kernel";
import { Ethernet, EtherType, Ipv4, Ports, Protocol } from "../headers.ts";

export const Flow = struct({
  source: be32,
  destination: be32,
  sourcePort: be16,
  destinationPort: be16,
  protocol: u32,
});
export const Usage = struct({ packets: u64, bytes: u64, lastSeen: u64 });
export const flows = lruHash({ key: Flow, value: Usage, maxEntries: 65536 });

export const program = onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (ethernet?.type !== EtherType.ipv4) return Pass;
  const ip = packet.at(Ethernet.size, Ipv4);
  if (!ip) return Pass;
  if (ip.protocol !== Protocol.tcp && ip.protocol !== Protocol.udp) return Pass;
  const ports = packet.at(Ethernet.size + ip.headerWords * 4, Ports);
  if (!ports) return Pass;

  const flow = Flow({
    source: ip.source,
    destination: ip.destination,
    sourcePort: ports.source,
    destinationPort: ports.destination,
    protocol: ip.protocol,
  });
  const now = time.now();
  const length = u64(packet.length);
  const usage = flows.ref(flow);
  if (usage) {
    atomicAdd(usage, "packets", 1n);
    atomicAdd(usage, "bytes", length);
    usage.lastSeen = now;
  } else {
    flows.set(flow, { packets: 1n, bytes: length, lastSeen: now });
  }
  return Pass;
});
