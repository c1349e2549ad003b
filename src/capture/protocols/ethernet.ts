import { formatMac } from "../address.ts";
import { hexField, joinWords, type Protocol } from "../layer.ts";
import { etherTypeOf, kindOfEtherType } from "../numbers.ts";
import { concat, viewOf } from "../octets.ts";

/** `eth [SOURCE > DESTINATION] [type N]` */
export interface Ethernet {
  readonly kind: "eth";
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly type?: number;
}

const headerLength = 14;
/** Locally administered addresses, which no hardware has. */
const defaultSource = Uint8Array.of(2, 0, 0, 0, 0, 1);
const defaultDestination = Uint8Array.of(2, 0, 0, 0, 0, 2);

export const ethernet: Protocol<Ethernet> = {
  derived: ["type"],

  parse(words) {
    let layer: Ethernet = { kind: "eth", source: defaultSource, destination: defaultDestination };
    if (words.peek.includes(":")) {
      const source = words.mac();
      words.expect(">");
      layer = { ...layer, source, destination: words.mac() };
    }
    words.options({
      type: () => {
        layer = { ...layer, type: words.number("an EtherType", 0, 0xffff) };
      },
    });
    return layer;
  },

  encode(layer, content, { next }) {
    const type = new Uint8Array(2);
    viewOf(type).setUint16(0, layer.type ?? etherTypeOf(next));
    return concat(layer.destination, layer.source, type, content);
  },

  dissect(bytes) {
    if (bytes.length < headerLength) return undefined;
    const type = viewOf(bytes).getUint16(12);
    const layer: Ethernet = { kind: "eth", source: bytes.slice(6, 12), destination: bytes.slice(0, 6), type };
    return { layer, headerLength, length: bytes.length, next: kindOfEtherType(type) };
  },

  format(layer) {
    const addresses = `${formatMac(layer.source)} > ${formatMac(layer.destination)}`;
    return joinWords("eth", addresses, hexField("type", layer.type, 4));
  },
};
