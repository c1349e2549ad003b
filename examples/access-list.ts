/**
 * An access list: the first rule that matches a packet decides about it. Made for a thousand rules.
 *
 *     ./iovisor run examples/access-list.ts --attach xdp:eth0 \
 *       --set 'rules=[{"source":"10.0.0.0/8","protocol":[6],"port":"22","action":"allow"}]' --set otherwise=deny
 *
 * A rule that leaves a field out accepts anything there. The list is compiled into a decision structure, so that a
 * packet's cost hardly depends on its length. It is stateless: replies need rules of their own, and fragments behind
 * the first, which have no ports, match rules without ports only.
 */
import {
  anyOf,
  arrayMap,
  atomicAdd,
  between,
  cidr4,
  config,
  Drop,
  list,
  match,
  oneOf,
  onPacket,
  type Packet,
  Pass,
  prefix,
  rule,
  struct,
  u8,
  u16,
  type u32,
  u64,
} from "iovisor/kernel";
import {
  Ethernet,
  EtherType,
  IpProtocol,
  Ipv4,
  ipv4HeaderLength,
  isLaterFragment,
  Ports,
} from "iovisor/kernel/headers";

const mostRules = 4096;

export const Usage = struct({ packets: u64, bytes: u64 });
/** By the rule's place in the list; the last one is for packets that no rule matched. */
export const usage = arrayMap({ value: Usage, maxEntries: mostRules + 1, title: "packets per rule" });

export const settings = config({
  rules: list(
    rule({
      source: prefix(cidr4),
      destination: prefix(cidr4),
      protocol: anyOf(u8),
      port: between(u16),
      action: oneOf("allow", "deny"),
    }),
    "rules in order; `port` is the destination port",
    { maxItems: mostRules },
  ),
  otherwise: oneOf("allow", "deny").default("allow", "what becomes of IPv4 packets that no rule matches"),
});

export default onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (ethernet?.type !== EtherType.ipv4) return Pass;
  const ip = packet.at(Ethernet.size, Ipv4);
  if (ip === undefined) return Drop;
  const found = match(settings.rules, {
    source: ip.source,
    destination: ip.destination,
    protocol: ip.protocol,
    port: destinationPort(packet),
  });
  count(found?.index ?? mostRules, packet.length);
  if (found === undefined) return settings.otherwise === "allow" ? Pass : Drop;
  return found.action === "allow" ? Pass : Drop;
});

/** 0 where there are no ports; port 0 is reserved and not used on the wire (RFC 6335). */
function destinationPort(packet: Packet): u16 {
  const ip = packet.at(Ethernet.size, Ipv4);
  if (ip === undefined || isLaterFragment(ip)) return 0;
  if (ip.protocol !== IpProtocol.tcp && ip.protocol !== IpProtocol.udp) return 0;
  const ports = packet.at(Ethernet.size + ipv4HeaderLength(ip), Ports);
  return ports?.destination ?? 0;
}

function count(index: u32, bytes: number): void {
  const entry = usage.ref(index);
  if (entry === undefined) return;
  atomicAdd(entry, "packets", 1n);
  atomicAdd(entry, "bytes", u64(bytes));
}
