import { encodeLayers } from "./encode-layers.ts";
import type { Dissected, Layer, LayerKind } from "./layer.ts";
import { equal, plain } from "./octets.ts";
import { protocolOf } from "./protocols/table.ts";

/** What the first byte of a packet belongs to: an Ethernet frame, or an IP packet without one. */
export type Link = "ethernet" | "ip";

/** Layers in layers (a tunnel in a tunnel, an ICMP error that quotes one) beyond this depth stay payload. */
const deepest = 16;

/**
 * The layers of a packet, outermost first, with the fields left out that follow from the rest. Encoding them gives the
 * same bytes again: where a header does not permit that, it and what it holds become payload.
 */
export function dissect(packet: Uint8Array, link: Link = "ethernet"): Layer[] {
  const bytes = plain(packet);
  for (let depth = deepest; depth > 0; depth--) {
    const layers = take(bytes, firstKind(bytes, link), depth);
    if (layers.length > 0 && layers.length < depth && equal(encodeLayers(layers), bytes))
      return simplify(layers, bytes);
  }
  return [{ kind: "payload", bytes }];
}

function firstKind(bytes: Uint8Array, link: Link): LayerKind {
  if (link === "ethernet") return "eth";
  return bytes[0]! >> 4 === 6 ? "ip6" : "ip";
}

function take(bytes: Uint8Array, first: LayerKind, depth: number): Layer[] {
  const layers: Layer[] = [];
  let rest = bytes;
  let trailer = new Uint8Array(0);
  let next: LayerKind | undefined = first;
  while (next && layers.length < depth - 1) {
    const found: Dissected<Layer> | undefined = protocolOf(next).dissect?.(rest, layers);
    if (!found) break;
    // Bytes behind a length are a trailer only if no outer length counts them.
    const outermost = layers.every(isLinkLayer);
    if (outermost) trailer = rest.slice(found.length);
    layers.push(found.layer);
    rest = rest.subarray(found.headerLength, outermost ? found.length : rest.length);
    next = found.next;
  }
  if (rest.length > 0) layers.push({ kind: "payload", bytes: rest });
  if (trailer.length === 0) return layers;
  const zeros = trailer.every((byte) => byte === 0);
  return [...layers, zeros ? { kind: "pad", length: bytes.length } : { kind: "trailer", bytes: trailer }];
}

function isLinkLayer(layer: Layer): boolean {
  return layer.kind === "eth" || layer.kind === "vlan";
}

/** Leaves out each derived field that the encoder computes to the same bytes, innermost first. */
function simplify(layers: readonly Layer[], bytes: Uint8Array): Layer[] {
  const bare = layers.map((layer) => protocolOf(layer.kind).derived.reduce(without, layer));
  if (sameBytes(bare, bytes)) return bare;
  const result = [...layers];
  for (let index = layers.length - 1; index >= 0; index--) {
    for (const name of protocolOf(layers[index]!.kind).derived) {
      const kept = result[index]!;
      result[index] = without(kept, name);
      if (!sameBytes(result, bytes)) result[index] = kept;
    }
  }
  return result;
}

function without(layer: Layer, name: string): Layer {
  const { [name as keyof Layer]: _, ...rest } = layer;
  return rest as Layer;
}

/** A length left out may not fit its field any more, which the encoder refuses: then it has to stay. */
function sameBytes(layers: readonly Layer[], bytes: Uint8Array): boolean {
  try {
    return equal(encodeLayers(layers), bytes);
  } catch {
    return false;
  }
}
