import type { FormatOptions, Layer, LayerKind, Protocol, Surroundings } from "../layer.ts";
import type { Words } from "../words.ts";
import { arp } from "./arp.ts";
import { dns } from "./dns.ts";
import { ethernet } from "./ethernet.ts";
import { icmp } from "./icmp.ts";
import { icmp6 } from "./icmp6.ts";
import { ipv4 } from "./ipv4.ts";
import { ipv6 } from "./ipv6.ts";
import { fragment, optionsHeader, routing } from "./ipv6-extensions.ts";
import { pad, payload, trailer } from "./payload.ts";
import { tcp } from "./tcp.ts";
import { udp } from "./udp.ts";
import { vlan } from "./vlan.ts";
import { vxlan } from "./vxlan.ts";

/** A new protocol is a file, its type in `Layer`, and a line here. */
const protocols: { readonly [K in LayerKind]: Protocol<Extract<Layer, { kind: K }>> } = {
  eth: ethernet,
  vlan,
  arp,
  ip: ipv4,
  ip6: ipv6,
  "hop-by-hop": optionsHeader("hop-by-hop"),
  "dest-opts": optionsHeader("dest-opts"),
  routing,
  fragment,
  tcp,
  udp,
  icmp,
  icmp6,
  vxlan,
  dns,
  payload,
  pad,
  trailer,
};

/** A name that begins a layer is its kind, or one of these. */
const aliases: Readonly<Record<string, LayerKind>> = { ethernet: "eth", ipv4: "ip", ipv6: "ip6", icmpv6: "icmp6" };

/** The protocol of a layer, for callers that hold any layer: `kind` picks the one that takes it. */
export function protocolOf(kind: LayerKind): Protocol<Layer> {
  return protocols[kind] as unknown as Protocol<Layer>;
}

/** Reads one layer, name and all. */
export function parseLayer(words: Words): Layer {
  const names = [...Object.keys(protocols), "svlan"];
  const kind = words.take(`a layer: one of ${names.join(", ")}`, (name) => {
    if (Object.hasOwn(aliases, name)) return aliases[name];
    return names.includes(name) ? (name as LayerKind | "svlan") : undefined;
  });
  if (kind === "svlan") return { ...protocols.vlan.parse(words), service: true };
  return protocolOf(kind).parse(words);
}

export function encodeLayer(layer: Layer, content: Uint8Array, around: Surroundings): Uint8Array {
  return protocolOf(layer.kind).encode(layer, content, around);
}

export function formatLayer(layer: Layer, options: FormatOptions): string {
  return protocolOf(layer.kind).format(layer, options);
}
