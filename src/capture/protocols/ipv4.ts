import { IovisorError } from "../../errors.ts";
import { formatIpv4 } from "../address.ts";
import { internetChecksum } from "../checksum.ts";
import { field, hexField, joinWords, type Protocol } from "../layer.ts";
import { ipProtocolOf, kindOfIpProtocol } from "../numbers.ts";
import { concat, padTo, toHex, viewOf } from "../octets.ts";

/**
 * `ip [SOURCE > DESTINATION] [ttl N] [tos N] [dscp N] [ecn N] [id N] [df] [mf] [frag BYTES] [proto N] [options HEX]
 * [length N] [checksum N]` (RFC 791)
 */
export interface Ipv4 {
  readonly kind: "ip";
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly ttl: number;
  readonly tos: number;
  readonly id: number;
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  /** Bytes, a multiple of 8. */
  readonly fragmentOffset: number;
  /** Padded with zeros to a multiple of 4. */
  readonly options: Uint8Array;
  readonly protocol?: number;
  /** Of the whole datagram. */
  readonly length?: number;
  readonly checksum?: number;
}

const plain: Ipv4 = {
  kind: "ip",
  source: Uint8Array.of(10, 0, 0, 1),
  destination: Uint8Array.of(10, 0, 0, 2),
  ttl: 64,
  tos: 0,
  id: 0,
  dontFragment: false,
  moreFragments: false,
  fragmentOffset: 0,
  options: new Uint8Array(0),
};

export const ipv4: Protocol<Ipv4> = {
  derived: ["protocol", "length", "checksum"],

  parse(words) {
    let layer = plain;
    const set = (changes: Partial<Ipv4>) => {
      layer = { ...layer, ...changes };
    };
    if (words.peek.includes(".")) {
      const source = words.ipv4();
      words.expect(">");
      set({ source, destination: words.ipv4() });
    }
    words.options({
      ttl: () => set({ ttl: words.number("a TTL", 0, 255) }),
      tos: () => set({ tos: words.number("a type of service", 0, 255) }),
      dscp: () => set({ tos: (layer.tos & 3) | (words.number("a DSCP", 0, 63) << 2) }),
      ecn: () => set({ tos: (layer.tos & ~3) | words.number("an ECN codepoint", 0, 3) }),
      id: () => set({ id: words.number("an identification", 0, 0xffff) }),
      df: () => set({ dontFragment: true }),
      mf: () => set({ moreFragments: true }),
      frag: () => {
        if (Number(words.peek) % 8 !== 0) throw words.error("expected a fragment offset in bytes, a multiple of 8");
        set({ fragmentOffset: words.number("a fragment offset", 0, 65528) });
      },
      proto: () => set({ protocol: words.number("a protocol number", 0, 255) }),
      options: () => {
        const options = words.hex();
        if (options.length > 40) throw words.error("expected at most 40 bytes of options");
        set({ options });
      },
      length: () => set({ length: words.number("a total length", 0, 0xffff) }),
      checksum: () => set({ checksum: words.number("a checksum", 0, 0xffff) }),
    });
    return layer;
  },

  encode(layer, content, { next }) {
    const options = padTo(layer.options, 4);
    const header = concat(new Uint8Array(20), options);
    const view = viewOf(header);
    const length = layer.length ?? header.length + content.length;
    if (length > 0xffff) throw tooLong(length);
    view.setUint8(0, 0x40 | (header.length / 4));
    view.setUint8(1, layer.tos);
    view.setUint16(2, length);
    view.setUint16(4, layer.id);
    const flags = (layer.dontFragment ? 0x4000 : 0) | (layer.moreFragments ? 0x2000 : 0);
    view.setUint16(6, flags | (layer.fragmentOffset / 8));
    view.setUint8(8, layer.ttl);
    view.setUint8(9, layer.protocol ?? ipProtocolOf(next, 4));
    header.set(layer.source, 12);
    header.set(layer.destination, 16);
    view.setUint16(10, layer.checksum ?? internetChecksum(header));
    return concat(header, content);
  },

  dissect(bytes) {
    const headerLength = ((bytes[0] ?? 0) & 0x0f) * 4;
    if (bytes.length < 20 || bytes[0]! >> 4 !== 4 || headerLength < 20 || headerLength > bytes.length) return undefined;
    const view = viewOf(bytes);
    const fragment = view.getUint16(6);
    const total = view.getUint16(2);
    // The flag that RFC 791 reserves has no word of its own.
    if (fragment & 0x8000) return undefined;
    const protocol = bytes[9]!;
    const layer: Ipv4 = {
      kind: "ip",
      source: bytes.slice(12, 16),
      destination: bytes.slice(16, 20),
      ttl: bytes[8]!,
      tos: bytes[1]!,
      id: view.getUint16(4),
      dontFragment: (fragment & 0x4000) !== 0,
      moreFragments: (fragment & 0x2000) !== 0,
      fragmentOffset: (fragment & 0x1fff) * 8,
      options: bytes.slice(20, headerLength),
      protocol,
      length: total,
      checksum: view.getUint16(10),
    };
    // Only the first fragment begins with the next header.
    const next = layer.fragmentOffset === 0 ? kindOfIpProtocol(protocol, 4) : undefined;
    const length = total < headerLength ? bytes.length : Math.min(total, bytes.length);
    return { layer, headerLength, length, next };
  },

  format(layer) {
    return joinWords(
      "ip",
      `${formatIpv4(layer.source)} > ${formatIpv4(layer.destination)}`,
      field("ttl", layer.ttl, plain.ttl),
      hexField("tos", layer.tos, 2, 0),
      field("id", layer.id, 0),
      layer.dontFragment && "df",
      layer.moreFragments && "mf",
      field("frag", layer.fragmentOffset, 0),
      field("proto", layer.protocol),
      layer.options.length > 0 && `options ${toHex(layer.options)}`,
      field("length", layer.length),
      hexField("checksum", layer.checksum, 4),
    );
  },
};

function tooLong(length: number): IovisorError {
  return new IovisorError(
    "E_USAGE",
    `the described IP packet would have ${length} bytes; its length field holds at most 65535`,
    "shorten the payload, or give a length of your own with `length N`",
  );
}
