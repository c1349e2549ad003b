/** Packets and bytes by IP protocol. */
import { onPacket, Pass, perCpuArray, struct, type u32, u64 } from "iovisor/kernel";
import { Ethernet, EtherType, Ipv4, Ipv6 } from "../headers.ts";

export const Traffic = struct({ packets: u64, bytes: u64 });
export const protocols = perCpuArray({ value: Traffic, maxEntries: 256 });

export const program = onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (!ethernet) return Pass;

  let protocol: u32 = 0;
  if (ethernet.type === EtherType.ipv4) {
    const ip = packet.at(Ethernet.size, Ipv4);
    if (!ip) return Pass;
    protocol = ip.protocol;
  } else if (ethernet.type === EtherType.ipv6) {
    const ip = packet.at(Ethernet.size, Ipv6);
    if (!ip) return Pass;
    protocol = ip.next;
  } else {
    return Pass;
  }

  const traffic = protocols.ref(protocol);
  if (traffic) {
    traffic.packets += 1n;
    traffic.bytes += u64(packet.length);
  }
  return Pass;
});
