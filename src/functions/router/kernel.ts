/** A router for IPv4 and IPv6. README.md beside this file says what it does. */
import { drop, dynamicPorts, equal, onPacket } from "iovisor/kernel";
import { Ethernet, EtherType } from "iovisor/kernel/headers";
import { handleArp } from "./kernel/arp.ts";
import { followKernel } from "./kernel/host-mode.ts";
import { handleIpv4 } from "./kernel/ipv4.ts";
import { handleIpv6 } from "./kernel/ipv6.ts";
import { reasons, settings } from "./kernel/reasons.ts";
import { maximumPorts, portTable } from "./kernel/tables.ts";

export const ports = dynamicPorts({ maximum: maximumPorts });

export { causes, reasons, settings } from "./kernel/reasons.ts";

export default onPacket((packet) => {
  const port = portTable.ref(packet.port);
  if (!port || port.enabled === 0) return drop(reasons.noPort);
  if (settings.mode === "host") return followKernel({ packet, port });
  const ethernet = packet.at(0, Ethernet);
  if (!ethernet) return drop(reasons.tooShort);
  const isGroup = (ethernet.destination[0] & 1) === 1;
  if (!isGroup && !equal(ethernet.destination, port.mac)) return drop(reasons.notForRouter);
  if (packet.vlanTag !== undefined) return drop(reasons.tagged);
  const arrival = { packet, port };
  switch (ethernet.type) {
    case EtherType.ipv4:
      // RFC 1812, section 5.3.4: what came as a link-layer broadcast is not forwarded.
      return isGroup ? drop(reasons.broadcast) : handleIpv4(arrival);
    case EtherType.ipv6:
      return settings.ipv6 ? handleIpv6(arrival, isGroup) : drop(reasons.badType);
    case EtherType.arp:
      return handleArp(arrival);
    case EtherType.vlan:
    case EtherType.serviceVlan:
      return drop(reasons.tagged);
    default:
      return drop(reasons.badType);
  }
});
