import type { Layer, LayerKind } from "./layer.ts";

/** EtherTypes (IEEE 802 numbers) and IP protocol numbers (IANA) of the layers that are known. */
export const etherTypes = { ip: 0x0800, arp: 0x0806, vlan: 0x8100, svlan: 0x88a8, ip6: 0x86dd } as const;

export const ipProtocols = {
  "hop-by-hop": 0,
  icmp: 1,
  ip: 4,
  tcp: 6,
  udp: 17,
  ip6: 41,
  routing: 43,
  fragment: 44,
  icmp6: 58,
  "dest-opts": 60,
} as const;

/** IEEE 802 "local experimental EtherType 1": what a frame with a bare payload gets. */
const experimentalEtherType = 0x88b5;
/** RFC 3692: for experimentation and testing. */
const experimentalProtocol = 253;
/** RFC 8200 section 4.7. */
const noNextHeader = 59;

const extensionHeaders: readonly LayerKind[] = ["hop-by-hop", "routing", "fragment", "dest-opts"];

/** The EtherType that announces `next`. */
export function etherTypeOf(next: Layer | undefined): number {
  if (next?.kind === "vlan") return next.service ? etherTypes.svlan : etherTypes.vlan;
  if (next?.kind === "ip" || next?.kind === "arp" || next?.kind === "ip6") return etherTypes[next.kind];
  return experimentalEtherType;
}

export function kindOfEtherType(type: number): LayerKind | undefined {
  switch (type) {
    case etherTypes.ip:
      return "ip";
    case etherTypes.arp:
      return "arp";
    case etherTypes.ip6:
      return "ip6";
    case etherTypes.vlan:
    case etherTypes.svlan:
      return "vlan";
    default:
      return undefined;
  }
}

/** The IP protocol number that announces `next`. */
export function ipProtocolOf(next: Layer | undefined, version: 4 | 6): number {
  const known = next && Object.hasOwn(ipProtocols, next.kind);
  if (known) return ipProtocols[next.kind as keyof typeof ipProtocols];
  return next === undefined && version === 6 ? noNextHeader : experimentalProtocol;
}

/** Extension headers and ICMPv6 belong to IPv6, ICMP to IPv4. */
export function kindOfIpProtocol(protocol: number, version: 4 | 6): LayerKind | undefined {
  const kinds = Object.keys(ipProtocols) as (keyof typeof ipProtocols)[];
  const kind = kinds.find((name) => ipProtocols[name] === protocol);
  if (kind === undefined) return undefined;
  const belongs = kind === "icmp" ? 4 : kind === "icmp6" || extensionHeaders.includes(kind) ? 6 : version;
  return belongs === version ? kind : undefined;
}
