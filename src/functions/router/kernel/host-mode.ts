/** Host mode: the kernel's routing says where packets go, and its stack does all that is not plain transit. */
import { equal, type Verdict } from "iovisor/kernel";
import { Ethernet, EtherType } from "iovisor/kernel/headers";
import type { Arrival } from "./arrival.ts";
import { leave } from "./fib.ts";
import { settings } from "./reasons.ts";
import { transit4, transit6 } from "./transit.ts";

export function followKernel(arrival: Arrival): Verdict {
  const { packet, port } = arrival;
  const ethernet = packet.at(0, Ethernet);
  // Groups, too: ARP, neighbour discovery, multicast; and frames with tags, which the kernel may have devices for.
  if (!ethernet || packet.vlanTag !== undefined || !equal(ethernet.destination, port.mac)) return leave("notForRouter");
  if (ethernet.type === EtherType.ipv4) return transit4(arrival);
  if (ethernet.type === EtherType.ipv6 && settings.ipv6) return transit6(arrival);
  return leave("notForRouter");
}
