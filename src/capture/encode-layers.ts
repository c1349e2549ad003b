import type { Layer } from "./layer.ts";
import { concat } from "./octets.ts";
import { encodeLayer } from "./protocols/table.ts";

/** The bytes of a packet from its layers, outermost first. Lengths, checksums and types left out are computed. */
export function encodeLayers(layers: readonly Layer[]): Uint8Array {
  const inside = layers.filter((layer) => !isBehind(layer));
  let bytes: Uint8Array = new Uint8Array(0);
  for (let index = inside.length - 1; index >= 0; index--) {
    bytes = encodeLayer(inside[index]!, bytes, { outer: inside.slice(0, index), next: inside[index + 1] });
  }
  for (const layer of layers) {
    if (layer.kind === "trailer") bytes = concat(bytes, layer.bytes);
    if (layer.kind === "pad") bytes = concat(bytes, new Uint8Array(Math.max(0, layer.length - bytes.length)));
  }
  return bytes;
}

/** A pad or a trailer lies behind the packet, outside the lengths of its headers. */
export function isBehind(layer: Layer): boolean {
  return layer.kind === "pad" || layer.kind === "trailer";
}
