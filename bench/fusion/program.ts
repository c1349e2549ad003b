/** Functions of a chain that do as little as such functions do: parse, look up, count. */
import { arrayMap, be32, hash, onPacket, Pass, perCpuArray, struct, u32, u64 } from "iovisor/kernel";
import { Ethernet, EtherType, Ipv4 } from "../programs/headers.ts";

export const Traffic = struct({ packets: u64, bytes: u64 });
export const marks = hash({ key: be32, value: u64, maxEntries: 1024 });
export const classes = arrayMap({ value: u32, maxEntries: 256 });
export const traffic = perCpuArray({ value: Traffic, maxEntries: 2 });

/** Parses and counts. */
export const count = onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (ethernet?.type !== EtherType.ipv4) return Pass;
  const ip = packet.at(Ethernet.size, Ipv4);
  if (!ip || ip.length < Ipv4.size) return Pass;
  const counter = traffic.ref(0);
  if (counter) {
    counter.packets += 1n;
    counter.bytes += u64(ip.length);
  }
  return Pass;
});

/** Parses, looks the type of service up in an array, and counts. */
export const classify = onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (ethernet?.type !== EtherType.ipv4) return Pass;
  const ip = packet.at(Ethernet.size, Ipv4);
  if (!ip || ip.length < Ipv4.size) return Pass;
  const found = classes.ref(ip.tos);
  const counter = traffic.ref(found && found.value > 0 ? 1 : 0);
  if (counter) {
    counter.packets += 1n;
    counter.bytes += u64(ip.length);
  }
  return Pass;
});

/** Parses, looks the source up in a hash, and counts. */
export const mark = onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (ethernet?.type !== EtherType.ipv4) return Pass;
  const ip = packet.at(Ethernet.size, Ipv4);
  if (!ip || ip.length < Ipv4.size) return Pass;
  const marked = marks.ref(ip.source);
  const counter = traffic.ref(marked ? 1 : 0);
  if (counter) {
    counter.packets += 1n;
    counter.bytes += u64(ip.length);
  }
  return Pass;
});
