/** ARP: RFC 826, with the probes of RFC 5227. */
import { drop, forward, punt, type u8, type u32, type Verdict } from "iovisor/kernel";
import { Arp, ArpOperation, Ethernet, EtherType } from "iovisor/kernel/headers";
import { type Arrival, linkHeader } from "./arrival.ts";
import { lookup4 } from "./lookup.ts";
import { learn } from "./neighbours.ts";
import { causes, reasons } from "./reasons.ts";
import { HopKind, Neighbour4, neighbours4, State } from "./tables.ts";

/** What the address is on this port: the router's own, or a host's of its networks, or neither. */
function kindOf(address: u32, port: u32): u8 {
  const hop = lookup4(address);
  return hop && hop.port === port ? hop.kind : HopKind.none;
}

export function handleArp(arrival: Arrival): Verdict {
  const { packet, port } = arrival;
  const arp = packet.at(linkHeader, Arp);
  const ethernet = packet.at(0, Ethernet);
  if (!arp || !ethernet) return drop(reasons.tooShort);
  if (arp.hardwareType !== 1 || arp.protocolType !== EtherType.ipv4) return drop(reasons.badNeighbour);
  if (arp.hardwareLength !== 6 || arp.protocolLength !== 4) return drop(reasons.badNeighbour);
  const isRequest = arp.operation === ArpOperation.request;
  if (!isRequest && arp.operation !== ArpOperation.reply) return drop(reasons.badNeighbour);
  if ((arp.senderMac[0] & 1) === 1) return drop(reasons.badNeighbour);
  const sender = arp.senderAddress;
  const senderKind = kindOf(sender, packet.port);
  if (senderKind === HopKind.local) return drop(reasons.duplicateAddress);
  const isOurs = kindOf(arp.targetAddress, packet.port) === HopKind.local;
  let waits = false;
  // RFC 826: who is known is brought up to date, and who asks for us is going to be talked to.
  if (senderKind === HopKind.connected) {
    const key = Neighbour4({ address: sender, port: packet.port });
    const known = neighbours4.ref(key);
    if (known || isOurs) waits = learn(arp.senderMac, State.reachable, known, (entry) => neighbours4.set(key, entry));
  }
  if (isOurs && isRequest) {
    const own = arp.targetAddress;
    ethernet.destination = arp.senderMac;
    ethernet.source = port.mac;
    arp.operation = ArpOperation.reply;
    arp.targetMac = arp.senderMac;
    arp.targetAddress = sender;
    arp.senderMac = port.mac;
    arp.senderAddress = own;
    return forward(packet.port);
  }
  if (waits) return punt(causes.resolved);
  return isOurs ? drop(reasons.absorbed) : drop(reasons.notAsked);
}
