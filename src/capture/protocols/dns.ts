import { field, hexField, joinWords, type Protocol } from "../layer.ts";
import { concat, viewOf } from "../octets.ts";

/** `dns NAME [type T] [id N] [flags N]`: a message with one question and nothing else (RFC 1035 section 4). */
export interface Dns {
  readonly kind: "dns";
  readonly name: string;
  /** The question's type, such as 1 for A. */
  readonly type: number;
  readonly id: number;
  /** The header's second 16 bits; 0x0100 (recursion desired) is a client's query. */
  readonly flags: number;
}

const headerLength = 12;
const recursionDesired = 0x0100;
const classInternet = 1;
const types: Readonly<Record<string, number>> = { A: 1, NS: 2, CNAME: 5, PTR: 12, MX: 15, TXT: 16, AAAA: 28, SRV: 33 };

export const dns: Protocol<Dns> = {
  derived: [],

  parse(words) {
    const name = words.take("a domain name", (text) => (encodeName(text) ? text : undefined));
    let layer: Dns = { kind: "dns", name, type: 1, id: 0, flags: recursionDesired };
    words.options({
      type: () => {
        const type = types[words.peek];
        const isNamed = type !== undefined && words.accept(words.peek);
        layer = { ...layer, type: isNamed ? type : words.number("a type such as A or AAAA, or its number", 0, 0xffff) };
      },
      id: () => {
        layer = { ...layer, id: words.number("an id", 0, 0xffff) };
      },
      flags: () => {
        layer = { ...layer, flags: words.number("flags", 0, 0xffff) };
      },
    });
    return layer;
  },

  encode(layer, content) {
    const header = new Uint8Array(headerLength);
    viewOf(header).setUint16(0, layer.id);
    viewOf(header).setUint16(2, layer.flags);
    viewOf(header).setUint16(4, 1);
    const tail = Uint8Array.of(layer.type >> 8, layer.type & 0xff, 0, classInternet);
    return concat(header, encodeName(layer.name) ?? Uint8Array.of(0), tail, content);
  },

  dissect(bytes) {
    if (bytes.length < headerLength + 5) return undefined;
    const view = viewOf(bytes);
    const plain = view.getUint16(4) === 1 && view.getUint32(6) === 0 && view.getUint16(10) === 0;
    const name = plain ? decodeName(bytes.subarray(headerLength)) : undefined;
    if (!name) return undefined;
    const end = headerLength + name.length;
    if (end + 4 > bytes.length || view.getUint16(end + 2) !== classInternet) return undefined;
    const layer: Dns = {
      kind: "dns",
      name: name.text,
      type: view.getUint16(end),
      id: view.getUint16(0),
      flags: view.getUint16(2),
    };
    return { layer, headerLength: end + 4, length: bytes.length, next: undefined };
  },

  format(layer) {
    const type = Object.keys(types).find((name) => types[name] === layer.type) ?? layer.type;
    const flags = hexField("flags", layer.flags, 4, recursionDesired);
    return joinWords("dns", layer.name, type !== "A" && `type ${type}`, field("id", layer.id, 0), flags);
  },
};

/** Labels with their lengths; undefined if one is empty, longer than 63, or not of host-name characters. */
function encodeName(text: string): Uint8Array | undefined {
  const labels = text === "." ? [] : text.split(".");
  if (!labels.every((label) => /^[\w-]{1,63}$/.test(label)) || text.length > 253) return undefined;
  const parts = labels.map((label) => concat(Uint8Array.of(label.length), new TextEncoder().encode(label)));
  return concat(...parts, Uint8Array.of(0));
}

/** Undefined for a compressed or unusual name. */
function decodeName(bytes: Uint8Array): { text: string; length: number } | undefined {
  const labels: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const size = bytes[at]!;
    if (size === 0) return { text: labels.join(".") || ".", length: at + 1 };
    const label = new TextDecoder("latin1").decode(bytes.subarray(at + 1, at + 1 + size));
    if (size > 63 || !/^[\w-]+$/.test(label)) return undefined;
    labels.push(label);
    at += 1 + size;
  }
  return undefined;
}
