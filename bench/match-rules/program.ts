/** An access list: the first rule that accepts source, destination, protocol and port decides. */
import {
  between,
  cidr4,
  config,
  Drop,
  exact,
  list,
  match,
  oneOf,
  onPacket,
  Pass,
  perCpuArray,
  prefix,
  rule,
  u8,
  u16,
  u64,
} from "iovisor/kernel";
import { Ethernet, EtherType, Ipv4, Ports, Protocol } from "../programs/headers.ts";

export const settings = config({
  rules: list(
    rule({
      source: prefix(cidr4),
      destination: prefix(cidr4),
      protocol: exact(u8),
      port: between(u16),
      action: oneOf("allow", "deny"),
    }),
    "rules, the first that accepts counts",
  ),
});
export const hits = perCpuArray({ value: u64, maxEntries: 10_000 });

export const program = onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (ethernet?.type !== EtherType.ipv4) return Pass;
  const ip = packet.at(Ethernet.size, Ipv4);
  if (!ip) return Pass;
  if (ip.protocol !== Protocol.tcp && ip.protocol !== Protocol.udp) return Pass;
  const ports = packet.at(Ethernet.size + ip.headerWords * 4, Ports);
  if (!ports) return Pass;

  const found = match(settings.rules, {
    source: ip.source,
    destination: ip.destination,
    protocol: ip.protocol,
    port: ports.destination,
  });
  if (!found) return Pass;
  const count = hits.ref(found.index);
  if (count) count.value += 1n;
  return found.action === "deny" ? Drop : Pass;
});
