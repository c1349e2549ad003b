import { joinWords, type Protocol } from "../layer.ts";
import { concat, viewOf } from "../octets.ts";

/** `vxlan VNI` (RFC 7348); a frame, `eth ...`, is the next layer. */
export interface Vxlan {
  readonly kind: "vxlan";
  readonly vni: number;
}

const headerLength = 8;
/** The I flag: the network identifier is valid. */
const validFlag = 0x08000000;

export const vxlan: Protocol<Vxlan> = {
  derived: [],

  parse(words) {
    const vni = words.number("a VXLAN network identifier", 0, 0xffffff);
    words.options({});
    return { kind: "vxlan", vni };
  },

  encode(layer, content) {
    const header = new Uint8Array(headerLength);
    viewOf(header).setUint32(0, validFlag);
    viewOf(header).setUint32(4, (layer.vni << 8) >>> 0);
    return concat(header, content);
  },

  dissect(bytes) {
    if (bytes.length < headerLength) return undefined;
    const view = viewOf(bytes);
    const word = view.getUint32(4);
    // Other flags and the reserved byte have no word of their own.
    if (view.getUint32(0) !== validFlag || (word & 0xff) !== 0) return undefined;
    return { layer: { kind: "vxlan", vni: word >>> 8 }, headerLength, length: bytes.length, next: "eth" };
  },

  format(layer) {
    return joinWords("vxlan", String(layer.vni));
  },
};
