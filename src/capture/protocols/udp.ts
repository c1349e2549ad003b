import { transportChecksum } from "../checksum.ts";
import { endpointsOf } from "../endpoints.ts";
import { field, hexField, joinWords, type LayerKind, type Protocol } from "../layer.ts";
import { ipProtocols } from "../numbers.ts";
import { concat, viewOf } from "../octets.ts";

/** `udp SOURCE > DESTINATION [length N] [checksum N]` (RFC 768); a checksum of 0 means none. */
export interface Udp {
  readonly kind: "udp";
  readonly source: number;
  readonly destination: number;
  readonly length?: number;
  readonly checksum?: number;
}

const headerLength = 8;
/** Well-known ports whose content is known. */
const contents: Readonly<Record<number, LayerKind>> = { 53: "dns", 4789: "vxlan" };

export const udp: Protocol<Udp> = {
  derived: ["length", "checksum"],

  parse(words) {
    const source = words.number("a source port", 0, 0xffff);
    words.expect(">");
    let layer: Udp = { kind: "udp", source, destination: words.number("a destination port", 0, 0xffff) };
    words.options({
      length: () => {
        layer = { ...layer, length: words.number("a length", 0, 0xffff) };
      },
      checksum: () => {
        layer = { ...layer, checksum: words.number("a checksum", 0, 0xffff) };
      },
    });
    return layer;
  },

  encode(layer, content, { outer }) {
    const message = concat(new Uint8Array(headerLength), content);
    const view = viewOf(message);
    view.setUint16(0, layer.source);
    view.setUint16(2, layer.destination);
    view.setUint16(4, layer.length ?? message.length & 0xffff);
    const computed = transportChecksum(endpointsOf(outer), ipProtocols.udp, message);
    // Zero would mean that there is no checksum, so a sum of zero goes out as its other form.
    view.setUint16(6, layer.checksum ?? (computed === 0 ? 0xffff : computed));
    return message;
  },

  dissect(bytes) {
    if (bytes.length < headerLength) return undefined;
    const view = viewOf(bytes);
    const [source, destination] = [view.getUint16(0), view.getUint16(2)];
    const declared = view.getUint16(4);
    const layer: Udp = { kind: "udp", source, destination, length: declared, checksum: view.getUint16(6) };
    const length = declared < headerLength ? bytes.length : Math.min(declared, bytes.length);
    return { layer, headerLength, length, next: contents[destination] };
  },

  format(layer) {
    const ports = `udp ${layer.source} > ${layer.destination}`;
    return joinWords(ports, field("length", layer.length), hexField("checksum", layer.checksum, 4));
  },
};
