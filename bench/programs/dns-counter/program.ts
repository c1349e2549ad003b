/** Counts DNS queries over IPv4 by type and by a hash (FNV-1a) of the name's first 64 bytes, in lower case. */
import { arrayMap, atomicAdd, be16, lruHash, onPacket, Pass, range, struct, u8, u32, u64 } from "iovisor/kernel";
import { Ethernet, EtherType, Ipv4, Protocol, Udp } from "../headers.ts";

export const Dns = struct({
  id: be16,
  flags: be16,
  questions: be16,
  answers: be16,
  authorities: be16,
  additional: be16,
});

export const Count = struct({ queries: u64 });
export const types = arrayMap({ value: Count, maxEntries: 256 });
export const names = lruHash({ key: u32, value: Count, maxEntries: 16384 });

const nameLimit = 64;
const udpAt = Ethernet.size + Ipv4.size;
const dnsAt = udpAt + Udp.size;
const nameAt = dnsAt + Dns.size;

export const program = onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (ethernet?.type !== EtherType.ipv4) return Pass;
  const ip = packet.at(Ethernet.size, Ipv4);
  if (ip?.protocol !== Protocol.udp || ip.headerWords !== 5) return Pass;
  const udp = packet.at(udpAt, Udp);
  if (udp?.destination !== 53) return Pass;
  const dns = packet.at(dnsAt, Dns);
  if (!dns || (dns.flags & 0x8000) !== 0 || dns.questions !== 1) return Pass;

  let hash: u32 = 0x811c9dc5;
  let length: u32 = nameLimit;
  for (const place of range(nameLimit)) {
    const letter = packet.at(nameAt + place, u8);
    if (!letter) return Pass;
    let c: u32 = letter.value;
    if (c === 0) {
      length = place;
      break;
    }
    if (c >= 65 && c <= 90) c += 32;
    hash = u32((hash ^ c) * 0x01000193);
  }
  if (length === nameLimit) return Pass;
  const type = packet.at(nameAt + length + 1, be16);
  if (!type) return Pass;

  const count = types.ref(type.value);
  if (count) atomicAdd(count, "queries", 1n);
  const seen = names.ref(hash);
  if (seen) atomicAdd(seen, "queries", 1n);
  else names.set(hash, { queries: 1n });
  return Pass;
});
