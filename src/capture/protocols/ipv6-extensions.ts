import { field, hexField, joinWords, type Protocol } from "../layer.ts";
import { ipProtocolOf, kindOfIpProtocol } from "../numbers.ts";
import { concat, equal, toHex, viewOf } from "../octets.ts";

/** `hop-by-hop [options HEX] [next N]`, `dest-opts [options HEX] [next N]` (RFC 8200 sections 4.3 and 4.6) */
export interface OptionsHeader<K extends "hop-by-hop" | "dest-opts" = "hop-by-hop" | "dest-opts"> {
  readonly kind: K;
  /** Padded to the header's multiple of 8 bytes, by Pad1 and PadN. */
  readonly options: Uint8Array;
  readonly nextHeader?: number;
}

/** `routing type N left N [data HEX] [next N]` (RFC 8200 section 4.4) */
export interface Routing {
  readonly kind: "routing";
  readonly type: number;
  readonly segmentsLeft: number;
  /** What follows the first four bytes; 4 bytes plus a multiple of 8. */
  readonly data: Uint8Array;
  readonly nextHeader?: number;
}

/** `fragment [offset BYTES] [more] [id N] [next N]` (RFC 8200 section 4.5) */
export interface Fragment {
  readonly kind: "fragment";
  /** Bytes, a multiple of 8. */
  readonly offset: number;
  readonly more: boolean;
  readonly id: number;
  readonly nextHeader?: number;
}

/** `hop-by-hop` and `dest-opts` differ in their number only. */
export function optionsHeader<K extends OptionsHeader["kind"]>(kind: K): Protocol<OptionsHeader<K>> {
  return {
    derived: ["nextHeader"],

    parse(words) {
      let layer: OptionsHeader<K> = { kind, options: new Uint8Array(0) };
      words.options({
        options: () => {
          layer = { ...layer, options: words.hex() };
        },
        next: () => {
          layer = { ...layer, nextHeader: words.number("a next header", 0, 255) };
        },
      });
      return layer;
    },

    encode(layer, content, { next }) {
      const options = padOptions(layer.options);
      const head = Uint8Array.of(layer.nextHeader ?? ipProtocolOf(next, 6), (options.length + 2) / 8 - 1);
      return concat(head, options, content);
    },

    dissect(bytes) {
      const headerLength = ((bytes[1] ?? 0) + 1) * 8;
      if (bytes.length < headerLength) return undefined;
      const nextHeader = bytes[0]!;
      const written = bytes.slice(2, headerLength);
      const options = equal(written, padOptions(new Uint8Array(0))) ? new Uint8Array(0) : written;
      const layer: OptionsHeader<K> = { kind, options, nextHeader };
      return { layer, headerLength, length: bytes.length, next: kindOfIpProtocol(nextHeader, 6) };
    },

    format(layer) {
      const options = layer.options.length > 0 && `options ${toHex(layer.options)}`;
      return joinWords(kind, options, field("next", layer.nextHeader));
    },
  };
}

export const routing: Protocol<Routing> = {
  derived: ["nextHeader"],

  parse(words) {
    let layer: Routing = { kind: "routing", type: 0, segmentsLeft: 0, data: new Uint8Array(4) };
    words.options({
      type: () => {
        layer = { ...layer, type: words.number("a routing type", 0, 255) };
      },
      left: () => {
        layer = { ...layer, segmentsLeft: words.number("segments left", 0, 255) };
      },
      data: () => {
        const data = words.hex();
        if (data.length % 8 !== 4) throw words.error("expected data of 4, 12, 20, ... bytes");
        layer = { ...layer, data };
      },
      next: () => {
        layer = { ...layer, nextHeader: words.number("a next header", 0, 255) };
      },
    });
    return layer;
  },

  encode(layer, content, { next }) {
    const nextHeader = layer.nextHeader ?? ipProtocolOf(next, 6);
    const head = Uint8Array.of(nextHeader, (layer.data.length + 4) / 8 - 1, layer.type, layer.segmentsLeft);
    return concat(head, layer.data, content);
  },

  dissect(bytes) {
    const headerLength = ((bytes[1] ?? 0) + 1) * 8;
    if (bytes.length < headerLength) return undefined;
    const nextHeader = bytes[0]!;
    const data = bytes.slice(4, headerLength);
    const layer: Routing = { kind: "routing", type: bytes[2]!, segmentsLeft: bytes[3]!, data, nextHeader };
    return { layer, headerLength, length: bytes.length, next: kindOfIpProtocol(nextHeader, 6) };
  },

  format(layer) {
    const data = `data ${toHex(layer.data)}`;
    return joinWords("routing", `type ${layer.type} left ${layer.segmentsLeft}`, data, field("next", layer.nextHeader));
  },
};

export const fragment: Protocol<Fragment> = {
  derived: ["nextHeader"],

  parse(words) {
    let layer: Fragment = { kind: "fragment", offset: 0, more: false, id: 0 };
    words.options({
      offset: () => {
        if (Number(words.peek) % 8 !== 0) throw words.error("expected an offset in bytes, a multiple of 8");
        layer = { ...layer, offset: words.number("an offset", 0, 65528) };
      },
      more: () => {
        layer = { ...layer, more: true };
      },
      id: () => {
        layer = { ...layer, id: words.number("an identification", 0, 0xffffffff) };
      },
      next: () => {
        layer = { ...layer, nextHeader: words.number("a next header", 0, 255) };
      },
    });
    return layer;
  },

  encode(layer, content, { next }) {
    const header = new Uint8Array(8);
    const view = viewOf(header);
    view.setUint8(0, layer.nextHeader ?? ipProtocolOf(next, 6));
    view.setUint16(2, layer.offset | (layer.more ? 1 : 0));
    view.setUint32(4, layer.id);
    return concat(header, content);
  },

  dissect(bytes) {
    if (bytes.length < 8) return undefined;
    const view = viewOf(bytes);
    const word = view.getUint16(2);
    // Reserved bits have no word of their own.
    if (bytes[1] !== 0 || (word & 6) !== 0) return undefined;
    const nextHeader = bytes[0]!;
    const offset = word & 0xfff8;
    const layer: Fragment = { kind: "fragment", offset, more: (word & 1) === 1, id: view.getUint32(4), nextHeader };
    // Only the first fragment begins with the next header.
    const next = offset === 0 ? kindOfIpProtocol(nextHeader, 6) : undefined;
    return { layer, headerLength: 8, length: bytes.length, next };
  },

  format(layer) {
    return joinWords(
      "fragment",
      field("offset", layer.offset, 0),
      layer.more && "more",
      hexField("id", layer.id, 8, 0),
      field("next", layer.nextHeader),
    );
  },
};

/** Pad1 (one zero byte) or PadN up to the next multiple of 8 of the whole header (RFC 8200 section 4.2). */
function padOptions(options: Uint8Array): Uint8Array {
  const missing = (8 - ((options.length + 2) % 8)) % 8;
  if (missing < 2) return concat(options, new Uint8Array(missing));
  return concat(options, Uint8Array.of(1, missing - 2), new Uint8Array(missing - 2));
}
