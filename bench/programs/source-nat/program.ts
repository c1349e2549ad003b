/** Rewrites source address and port of TCP and UDP flows that have a translation. */
import { atomicAdd, be16, be32, hash, onPacket, Pass, struct, transmit, u8, u16, u64 } from "iovisor/kernel";
import { Ethernet, EtherType, Ipv4, Ports, Protocol, Tcp, Udp } from "../headers.ts";

export const Flow = struct({ address: be32, port: be16, protocol: u8, zero: u8 });
export const Translation = struct({ address: be32, port: be16, zero: u16, packets: u64 });
export const translations = hash({ key: Flow, value: Translation, maxEntries: 65536 });

const ipChecksumAt = Ethernet.size + 10;
const portsAt = Ethernet.size + Ipv4.size;
const tcpChecksumAt = portsAt + 16;
const udpChecksumAt = portsAt + 6;

export const program = onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (ethernet?.type !== EtherType.ipv4) return Pass;
  const ip = packet.at(Ethernet.size, Ipv4);
  if (ip?.headerWords !== 5) return Pass;
  const protocol = ip.protocol;
  if (protocol === Protocol.tcp) {
    if (!packet.at(portsAt, Tcp)) return Pass;
  } else if (protocol === Protocol.udp) {
    if (!packet.at(portsAt, Udp)) return Pass;
  } else {
    return Pass;
  }
  const ports = packet.at(portsAt, Ports);
  if (!ports) return Pass;

  const from = ip.source;
  const fromPort = ports.source;
  const translation = translations.ref({ address: from, port: fromPort, protocol, zero: 0 });
  if (!translation) return Pass;
  atomicAdd(translation, "packets", 1n);

  const { address, port } = translation;
  ip.source = address;
  ports.source = port;
  packet.replaceChecksum(ipChecksumAt, from, address, { layer: 3, size: 4 });
  if (protocol === Protocol.tcp) {
    packet.replaceChecksum(tcpChecksumAt, from, address, { layer: 4, size: 4, pseudoHeader: true });
    packet.replaceChecksum(tcpChecksumAt, fromPort, port, { layer: 4, size: 2 });
  } else {
    packet.replaceChecksum(udpChecksumAt, from, address, {
      layer: 4,
      size: 4,
      pseudoHeader: true,
      zeroMeansNone: true,
    });
    packet.replaceChecksum(udpChecksumAt, fromPort, port, { layer: 4, size: 2, zeroMeansNone: true });
  }
  return transmit();
});
