import { field, hexField, joinWords, type Protocol } from "../layer.ts";
import { etherTypeOf, etherTypes, kindOfEtherType } from "../numbers.ts";
import { concat, viewOf } from "../octets.ts";

/** `vlan ID [priority N] [drop-eligible] [type N]`; `svlan` is the service tag of 802.1ad. */
export interface Vlan {
  readonly kind: "vlan";
  readonly service: boolean;
  readonly id: number;
  readonly priority: number;
  readonly dropEligible: boolean;
  readonly type?: number;
}

const headerLength = 4;

export const vlan: Protocol<Vlan> = {
  derived: ["type"],

  parse(words) {
    const id = words.number("a VLAN id", 0, 4095);
    let layer: Vlan = { kind: "vlan", service: false, id, priority: 0, dropEligible: false };
    words.options({
      priority: () => {
        layer = { ...layer, priority: words.number("a priority", 0, 7) };
      },
      "drop-eligible": () => {
        layer = { ...layer, dropEligible: true };
      },
      type: () => {
        layer = { ...layer, type: words.number("an EtherType", 0, 0xffff) };
      },
    });
    return layer;
  },

  encode(layer, content, { next }) {
    const header = new Uint8Array(headerLength);
    const view = viewOf(header);
    view.setUint16(0, (layer.priority << 13) | (layer.dropEligible ? 1 << 12 : 0) | layer.id);
    view.setUint16(2, layer.type ?? etherTypeOf(next));
    return concat(header, content);
  },

  dissect(bytes, outer) {
    if (bytes.length < headerLength) return undefined;
    const view = viewOf(bytes);
    const tag = view.getUint16(0);
    const type = view.getUint16(2);
    const around = outer.at(-1);
    const service = (around?.kind === "eth" || around?.kind === "vlan") && around.type === etherTypes.svlan;
    const layer: Vlan = {
      kind: "vlan",
      service,
      id: tag & 0xfff,
      priority: tag >> 13,
      dropEligible: (tag & 0x1000) !== 0,
      type,
    };
    return { layer, headerLength, length: bytes.length, next: kindOfEtherType(type) };
  },

  format(layer) {
    return joinWords(
      layer.service ? "svlan" : "vlan",
      String(layer.id),
      field("priority", layer.priority, 0),
      layer.dropEligible && "drop-eligible",
      hexField("type", layer.type, 4),
    );
  },
};
