import { IovisorError } from "../../errors.ts";
import { formatIpv6, parseIpv6 } from "../address.ts";
import { field, hexField, joinWords, type Protocol } from "../layer.ts";
import { ipProtocolOf, kindOfIpProtocol } from "../numbers.ts";
import { concat, viewOf } from "../octets.ts";

/** `ip6 [SOURCE > DESTINATION] [hop N] [class N] [flow N] [next N] [length N]` (RFC 8200) */
export interface Ipv6 {
  readonly kind: "ip6";
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly hopLimit: number;
  readonly trafficClass: number;
  readonly flowLabel: number;
  readonly nextHeader?: number;
  /** Of what follows the 40 bytes of the header. */
  readonly length?: number;
}

const headerLength = 40;

const plain: Ipv6 = {
  kind: "ip6",
  source: parseIpv6("fd00::1")!,
  destination: parseIpv6("fd00::2")!,
  hopLimit: 64,
  trafficClass: 0,
  flowLabel: 0,
};

export const ipv6: Protocol<Ipv6> = {
  derived: ["nextHeader", "length"],

  parse(words) {
    let layer = plain;
    const set = (changes: Partial<Ipv6>) => {
      layer = { ...layer, ...changes };
    };
    if (words.peek.includes(":")) {
      const source = words.ipv6();
      words.expect(">");
      set({ source, destination: words.ipv6() });
    }
    words.options({
      hop: () => set({ hopLimit: words.number("a hop limit", 0, 255) }),
      class: () => set({ trafficClass: words.number("a traffic class", 0, 255) }),
      flow: () => set({ flowLabel: words.number("a flow label", 0, 0xfffff) }),
      next: () => set({ nextHeader: words.number("a next header", 0, 255) }),
      length: () => set({ length: words.number("a payload length", 0, 0xffff) }),
    });
    return layer;
  },

  encode(layer, content, { next }) {
    const header = new Uint8Array(headerLength);
    const view = viewOf(header);
    const length = layer.length ?? content.length;
    if (length > 0xffff) throw tooLong(length);
    view.setUint32(0, ((6 << 28) | (layer.trafficClass << 20) | layer.flowLabel) >>> 0);
    view.setUint16(4, length);
    view.setUint8(6, layer.nextHeader ?? ipProtocolOf(next, 6));
    view.setUint8(7, layer.hopLimit);
    header.set(layer.source, 8);
    header.set(layer.destination, 24);
    return concat(header, content);
  },

  dissect(bytes) {
    if (bytes.length < headerLength || bytes[0]! >> 4 !== 6) return undefined;
    const view = viewOf(bytes);
    const first = view.getUint32(0);
    const nextHeader = bytes[6]!;
    const length = view.getUint16(4);
    const layer: Ipv6 = {
      kind: "ip6",
      source: bytes.slice(8, 24),
      destination: bytes.slice(24, 40),
      hopLimit: bytes[7]!,
      trafficClass: (first >>> 20) & 0xff,
      flowLabel: first & 0xfffff,
      nextHeader,
      length,
    };
    const end = Math.min(headerLength + length, bytes.length);
    return { layer, headerLength, length: end, next: kindOfIpProtocol(nextHeader, 6) };
  },

  format(layer) {
    return joinWords(
      "ip6",
      `${formatIpv6(layer.source)} > ${formatIpv6(layer.destination)}`,
      field("hop", layer.hopLimit, plain.hopLimit),
      hexField("class", layer.trafficClass, 2, 0),
      hexField("flow", layer.flowLabel, 5, 0),
      field("next", layer.nextHeader),
      field("length", layer.length),
    );
  },
};

function tooLong(length: number): IovisorError {
  return new IovisorError(
    "E_USAGE",
    `the described IPv6 packet would carry ${length} bytes; its length field holds at most 65535`,
    "shorten the payload, or give a length of your own with `length N`",
  );
}
