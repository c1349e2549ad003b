/** Sends UDP datagrams to the echo port back: addresses and ports swapped, which leaves the checksums right. */
import { be16, be32, config, onPacket, Pass, struct, transmit, u16 } from "iovisor/kernel";
import { EtherType, Ipv4, Protocol, Udp } from "../headers.ts";

/** The MAC addresses in parts that are numbers. */
export const EthernetParts = struct({
  destinationHigh: be32,
  destinationLow: be16,
  sourceHigh: be32,
  sourceLow: be16,
  type: be16,
});
export const settings = config({ port: u16.default(7, "UDP port whose datagrams go back") });

export const program = onPacket((packet) => {
  const ethernet = packet.at(0, EthernetParts);
  if (ethernet?.type !== EtherType.ipv4) return Pass;
  const ip = packet.at(EthernetParts.size, Ipv4);
  if (ip?.protocol !== Protocol.udp || ip.headerWords !== 5) return Pass;
  const udp = packet.at(EthernetParts.size + Ipv4.size, Udp);
  if (udp?.destination !== settings.port) return Pass;

  const { destinationHigh, destinationLow } = ethernet;
  ethernet.destinationHigh = ethernet.sourceHigh;
  ethernet.destinationLow = ethernet.sourceLow;
  ethernet.sourceHigh = destinationHigh;
  ethernet.sourceLow = destinationLow;
  const address = ip.source;
  ip.source = ip.destination;
  ip.destination = address;
  const port = udp.source;
  udp.source = udp.destination;
  udp.destination = port;
  return transmit();
});
