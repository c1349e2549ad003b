/** A stateless balancer: TCP to a service's port goes to the backend that source address and port choose. */
import { arrayMap, be16, be32, bytes, Drop, hash, onPacket, Pass, struct, transmit, u8, u32 } from "iovisor/kernel";
import { Ethernet, EtherType, Ipv4, Protocol, Tcp } from "../headers.ts";

export const ServiceKey = struct({ protocol: u8, zero: u8, port: be16 });
export const Service = struct({ first: u32, count: u32 });
export const Backend = struct({ address: be32, mac: bytes(6), port: be16 });

export const services = hash({ key: ServiceKey, value: Service, maxEntries: 256 });
export const backends = arrayMap({ value: Backend, maxEntries: 64 });

const tcpAt = Ethernet.size + Ipv4.size;
const ipChecksumAt = Ethernet.size + 10;
const tcpChecksumAt = tcpAt + 16;

function mix(start: u32): u32 {
  let value: u32 = start ^ (start >>> 16);
  value = u32(value * 0x45d9f3b);
  value ^= value >>> 16;
  value = u32(value * 0x45d9f3b);
  return value ^ (value >>> 16);
}

export const program = onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (ethernet?.type !== EtherType.ipv4) return Pass;
  const ip = packet.at(Ethernet.size, Ipv4);
  if (ip?.protocol !== Protocol.tcp || ip.headerWords !== 5) return Pass;
  const tcp = packet.at(tcpAt, Tcp);
  if (!tcp) return Pass;

  const service = services.ref({ protocol: ip.protocol, zero: 0, port: tcp.destination });
  if (!service) return Pass;
  const key = mix(ip.source ^ (tcp.source << 16));
  const backend = backends.ref(u32(service.first + (key % service.count)));
  if (!backend) return Drop;

  const { address, port } = backend;
  const from = ip.destination;
  const fromPort = tcp.destination;
  ethernet.destination = backend.mac;
  ip.destination = address;
  tcp.destination = port;
  packet.replaceChecksum(ipChecksumAt, from, address, { layer: 3, size: 4 });
  packet.replaceChecksum(tcpChecksumAt, from, address, { layer: 4, size: 4, pseudoHeader: true });
  packet.replaceChecksum(tcpChecksumAt, fromPort, port, { layer: 4, size: 2 });
  return transmit();
});
