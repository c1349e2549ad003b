/** Drops what comes from a blocked prefix and counts it there. */
import { atomicAdd, be32, Drop, lpmTrie, onPacket, Pass, struct, u32, u64 } from "iovisor/kernel";
import { Ethernet, EtherType, Ipv4 } from "../headers.ts";

export const Block = struct({ prefixLength: u32, address: be32 });
export const Hits = struct({ packets: u64 });
export const blocked = lpmTrie({ key: Block, value: Hits, maxEntries: 4096 });

export const program = onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (ethernet?.type !== EtherType.ipv4) return Pass;
  const ip = packet.at(Ethernet.size, Ipv4);
  if (!ip) return Pass;
  const hits = blocked.ref({ prefixLength: 32, address: ip.source });
  if (!hits) return Pass;
  atomicAdd(hits, "packets", 1n);
  return Drop;
});
