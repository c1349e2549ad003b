import { internetChecksum } from "../checksum.ts";
import { field, hexField, joinWords, type Protocol } from "../layer.ts";
import { concat, viewOf } from "../octets.ts";

/**
 * `icmp echo-request [id N] [seq N]`, `icmp echo-reply ...`, `icmp unreachable [net|host|protocol|port|frag-needed]
 * [mtu N]`, `icmp time-exceeded`, `icmp redirect`, or `icmp type N`; each with `[code N] [rest N] [checksum N]`
 * (RFC 792). The quoted packet of an error is the next layer.
 */
export interface Icmp {
  readonly kind: "icmp";
  readonly type: number;
  readonly code: number;
  /** The second word of the header: identifier and sequence number, MTU, gateway. */
  readonly rest: number;
  readonly checksum?: number;
}

const headerLength = 8;
const types: Readonly<Record<string, number>> = {
  "echo-reply": 0,
  unreachable: 3,
  redirect: 5,
  "echo-request": 8,
  "time-exceeded": 11,
};
const unreachableCodes = ["net", "host", "protocol", "port", "frag-needed"];
/** The messages that quote the packet which caused them. */
const errors: readonly number[] = [3, 4, 5, 11, 12];

export const icmp: Protocol<Icmp> = {
  derived: ["checksum"],

  parse(words) {
    const type = words.accept("type")
      ? words.number("an ICMP type", 0, 255)
      : words.take(`one of ${Object.keys(types).join(", ")}, or "type N"`, (word) => types[word]);
    let layer: Icmp = { kind: "icmp", type, code: 0, rest: 0 };
    const set = (changes: Partial<Icmp>) => {
      layer = { ...layer, ...changes };
    };
    if (type === types["unreachable"] && unreachableCodes.includes(words.peek)) {
      set({ code: words.take("a code", (word) => unreachableCodes.indexOf(word)) });
    }
    words.options({
      code: () => set({ code: words.number("a code", 0, 255) }),
      id: () => set({ rest: ((layer.rest & 0xffff) | (words.number("an identifier", 0, 0xffff) << 16)) >>> 0 }),
      seq: () => set({ rest: ((layer.rest & ~0xffff) | words.number("a sequence number", 0, 0xffff)) >>> 0 }),
      mtu: () => set({ rest: words.number("an MTU", 0, 0xffff) }),
      rest: () => set({ rest: words.number("the header's second word", 0, 0xffffffff) }),
      checksum: () => set({ checksum: words.number("a checksum", 0, 0xffff) }),
    });
    return layer;
  },

  encode(layer, content) {
    const message = concat(new Uint8Array(headerLength), content);
    const view = viewOf(message);
    view.setUint8(0, layer.type);
    view.setUint8(1, layer.code);
    view.setUint32(4, layer.rest);
    view.setUint16(2, layer.checksum ?? internetChecksum(message));
    return message;
  },

  dissect(bytes) {
    if (bytes.length < headerLength) return undefined;
    const view = viewOf(bytes);
    const type = bytes[0]!;
    const layer: Icmp = { kind: "icmp", type, code: bytes[1]!, rest: view.getUint32(4), checksum: view.getUint16(2) };
    return { layer, headerLength, length: bytes.length, next: errors.includes(type) ? "ip" : undefined };
  },

  format(layer) {
    const name = Object.keys(types).find((key) => types[key] === layer.type);
    const isEcho = layer.type === types["echo-request"] || layer.type === types["echo-reply"];
    const code = layer.type === types["unreachable"] ? unreachableCodes[layer.code] : undefined;
    return joinWords(
      "icmp",
      name ?? `type ${layer.type}`,
      code ?? field("code", layer.code, 0),
      ...(isEcho
        ? [`id ${layer.rest >>> 16}`, `seq ${layer.rest & 0xffff}`]
        : code === "frag-needed" && layer.rest <= 0xffff
          ? [field("mtu", layer.rest, 0)]
          : [hexField("rest", layer.rest, 8, 0)]),
      hexField("checksum", layer.checksum, 4),
    );
  },
};
