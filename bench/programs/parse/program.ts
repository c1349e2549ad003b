/** Drops IPv4 and IPv6 packets whose headers contradict themselves or the frame's length. */
import { Drop, onPacket, type Packet, Pass, type u8, u32, type Verdict } from "iovisor/kernel";
import { Ethernet, EtherType, Ipv4, Ipv6, Protocol, Tcp, TcpFlag, Udp } from "../headers.ts";

const synAndFin = TcpFlag.syn | TcpFlag.fin;

function transport(packet: Packet, offset: u32, length: u32, protocol: u8): Verdict {
  if (protocol === Protocol.tcp) {
    const tcp = packet.at(offset, Tcp);
    if (!tcp) return Drop;
    const header: u32 = tcp.headerWords * 4;
    if (header < Tcp.size || header > length) return Drop;
    if ((tcp.flags & synAndFin) === synAndFin) return Drop;
  } else if (protocol === Protocol.udp) {
    const udp = packet.at(offset, Udp);
    if (!udp) return Drop;
    if (udp.length < Udp.size || udp.length > length) return Drop;
  }
  return Pass;
}

export const program = onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (!ethernet) return Pass;
  const room = packet.length - Ethernet.size;

  if (ethernet.type === EtherType.ipv4) {
    const ip = packet.at(Ethernet.size, Ipv4);
    if (!ip) return Drop;
    const header: u32 = ip.headerWords * 4;
    const total: u32 = ip.length;
    if (ip.version !== 4 || header < Ipv4.size || total < header || total > room) return Drop;
    if ((ip.fragment & 0x3fff) !== 0) return Pass;
    return transport(packet, Ethernet.size + header, u32(total - header), ip.protocol);
  }
  if (ethernet.type === EtherType.ipv6) {
    const ip = packet.at(Ethernet.size, Ipv6);
    if (!ip) return Drop;
    if (ip.version !== 6 || ip.length + Ipv6.size > room) return Drop;
    return transport(packet, Ethernet.size + Ipv6.size, ip.length, ip.next);
  }
  return Pass;
});
