import { dissect, type Link } from "./dissect.ts";
import { encodeLayers, isBehind } from "./encode-layers.ts";
import type { Layer } from "./layer.ts";
import { formatLayer, parseLayer } from "./protocols/table.ts";
import { splitLayers } from "./words.ts";

/**
 * Builds a packet from a one-line description, layers separated by "/", outermost first:
 *
 *     eth / ip 10.0.0.1 > 10.0.0.2 ttl 3 / tcp 1234 > 80 syn mss 1460
 *     eth 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff / vlan 10 / arp who-has 10.0.0.2 tell 10.0.0.1
 *     ip6 fd00::1 > fd00::2 / udp 40000 > 53 / dns example.org type AAAA
 *     eth / ip / udp 1 > 2 / payload "hello"
 *
 * Addresses of `eth`, `ip` and `ip6` may be left out. Lengths, checksums and types are computed unless they are given.
 * A description that begins with `ip` or `ip6` makes a packet without a frame. Throws E_USAGE with the column.
 */
export function buildPacket(description: string): Uint8Array {
  return encodeLayers(parsePacket(description));
}

/** The layers of a description as plain data. Throws E_USAGE with the column. */
export function parsePacket(description: string): Layer[] {
  const layers: Layer[] = [];
  for (const words of splitLayers(description)) {
    const last = layers.at(-1);
    if (last && isBehind(last)) throw words.error(`"${last.kind}" must be the last layer`);
    layers.push(parseLayer(words));
  }
  return layers;
}

/**
 * The packet in one line, in the words of {@link buildPacket}. Wrong lengths and checksums show up as explicit fields.
 * With `full`, payloads are written out, so that building the text gives the same bytes; otherwise long ones are cut.
 * `link` says how the bytes begin; default "ethernet".
 */
export function describePacket(bytes: Uint8Array, options: { full?: boolean; link?: Link } = {}): string {
  const full = options.full ?? false;
  return dissect(bytes, options.link)
    .map((layer) => formatLayer(layer, { full }))
    .join(" / ");
}
