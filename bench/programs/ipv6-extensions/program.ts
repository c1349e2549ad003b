/** Walks the extension headers; drops routing headers of type 0 (RFC 5095) and chains of more than six. */
import { Drop, onPacket, Pass, perCpuArray, range, struct, u8, type u32, u64 } from "iovisor/kernel";
import { Ethernet, EtherType, Ipv6 } from "../headers.ts";

export const Extension = struct({ next: u8, length: u8, routingType: u8, segments: u8 });
export const upper = perCpuArray({ value: u64, maxEntries: 256 });

const headers = 6;
const Next = { hopByHop: 0, routing: 43, fragment: 44, authentication: 51, destinationOptions: 60 } as const;

function isExtension(next: u32): boolean {
  switch (next) {
    case Next.hopByHop:
    case Next.routing:
    case Next.fragment:
    case Next.authentication:
    case Next.destinationOptions:
      return true;
    default:
      return false;
  }
}

export const program = onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (ethernet?.type !== EtherType.ipv6) return Pass;
  const ip = packet.at(Ethernet.size, Ipv6);
  if (!ip) return Pass;

  let next: u32 = ip.next;
  let offset: u32 = Ethernet.size + Ipv6.size;
  let complete = false;
  for (const _ of range(headers)) {
    if (!isExtension(next)) {
      complete = true;
      break;
    }
    const extension = packet.at(offset, Extension);
    if (!extension) return Drop;
    if (next === Next.routing && extension.routingType === 0) return Drop;
    if (next === Next.fragment) offset += 8;
    else if (next === Next.authentication) offset += (extension.length + 2) * 4;
    else offset += (extension.length + 1) * 8;
    next = extension.next;
  }
  if (!complete) return Drop;

  const count = upper.ref(next);
  if (count) count.value += 1n;
  return Pass;
});
