import { transportChecksum } from "../checksum.ts";
import { endpointsOf } from "../endpoints.ts";
import { field, hexField, joinWords, type Protocol } from "../layer.ts";
import { ipProtocols } from "../numbers.ts";
import { concat, padTo, viewOf } from "../octets.ts";
import type { Words } from "../words.ts";
import { formatTcpOptions, tcpOptionWords, trimTcpOptions } from "./tcp-options.ts";

/**
 * `tcp SOURCE > DESTINATION [syn] [fin] [rst] [psh] [urg] [ece] [cwr] [ae] [ack [N]] [seq N] [window N] [urgent N]
 * [mss N] [wscale N] [sack-permitted] [timestamps N N] [nop] [options HEX] [checksum N]` (RFC 9293)
 */
export interface Tcp {
  readonly kind: "tcp";
  readonly source: number;
  readonly destination: number;
  readonly sequence: number;
  readonly acknowledgement: number;
  /** The nine flag bits, FIN lowest. */
  readonly flags: number;
  readonly window: number;
  readonly urgent: number;
  /** Padded with zeros to a multiple of 4. */
  readonly options: Uint8Array;
  readonly checksum?: number;
}

/** In the order of their bits; AE is of RFC 9768. */
const flagNames = ["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ae"] as const;
const ackFlag = 1 << flagNames.indexOf("ack");
const largest = 0xffffffff;

export const tcp: Protocol<Tcp> = {
  derived: ["checksum"],

  parse(words) {
    const source = words.number("a source port", 0, 0xffff);
    words.expect(">");
    const destination = words.number("a destination port", 0, 0xffff);
    let layer: Tcp = {
      kind: "tcp",
      source,
      destination,
      sequence: 0,
      acknowledgement: 0,
      flags: 0,
      window: 65535,
      urgent: 0,
      options: new Uint8Array(0),
    };
    const set = (changes: Partial<Tcp>) => {
      layer = { ...layer, ...changes };
    };
    words.options({
      ...flagWords((flag) => set({ flags: layer.flags | flag })),
      ack: () => {
        set({ flags: layer.flags | ackFlag });
        if (/^\d/.test(words.peek)) set({ acknowledgement: words.number("an acknowledgement number", 0, largest) });
      },
      seq: () => set({ sequence: words.number("a sequence number", 0, largest) }),
      window: () => set({ window: words.number("a window", 0, 0xffff) }),
      urgent: () => set({ urgent: words.number("an urgent pointer", 0, 0xffff) }),
      checksum: () => set({ checksum: words.number("a checksum", 0, 0xffff) }),
      "ack-number": () => set({ acknowledgement: words.number("an acknowledgement number", 0, largest) }),
      ...tcpOptionWords(words, (option) => set({ options: appendOption(words, layer.options, option) })),
    });
    return layer;
  },

  encode(layer, content, { outer }) {
    const options = padTo(layer.options, 4);
    const message = concat(new Uint8Array(20), options, content);
    const view = viewOf(message);
    view.setUint16(0, layer.source);
    view.setUint16(2, layer.destination);
    view.setUint32(4, layer.sequence);
    view.setUint32(8, layer.acknowledgement);
    view.setUint16(12, ((20 + options.length) << 10) | layer.flags);
    view.setUint16(14, layer.window);
    view.setUint16(18, layer.urgent);
    view.setUint16(16, layer.checksum ?? transportChecksum(endpointsOf(outer), ipProtocols.tcp, message));
    return message;
  },

  dissect(bytes) {
    if (bytes.length < 20) return undefined;
    const view = viewOf(bytes);
    const word = view.getUint16(12);
    const headerLength = (word >> 12) * 4;
    // Three reserved bits lie between the header's length and the flags; they have no word of their own.
    if (headerLength < 20 || headerLength > bytes.length || word & 0x0e00) return undefined;
    const layer: Tcp = {
      kind: "tcp",
      source: view.getUint16(0),
      destination: view.getUint16(2),
      sequence: view.getUint32(4),
      acknowledgement: view.getUint32(8),
      flags: word & 0x1ff,
      window: view.getUint16(14),
      urgent: view.getUint16(18),
      options: trimTcpOptions(bytes.slice(20, headerLength)),
      checksum: view.getUint16(16),
    };
    return { layer, headerLength, length: bytes.length, next: undefined };
  },

  format(layer) {
    const flags = flagNames.filter((name, bit) => name !== "ack" && layer.flags & (1 << bit));
    const isAck = (layer.flags & ackFlag) !== 0;
    return joinWords(
      `tcp ${layer.source} > ${layer.destination}`,
      ...flags,
      isAck && joinWords("ack", layer.acknowledgement !== 0 && String(layer.acknowledgement)),
      field("seq", layer.sequence, 0),
      !isAck && field("ack-number", layer.acknowledgement, 0),
      field("window", layer.window, 65535),
      field("urgent", layer.urgent, 0),
      formatTcpOptions(layer.options),
      hexField("checksum", layer.checksum, 4),
    );
  },
};

function flagWords(add: (flag: number) => void): Record<string, () => void> {
  return Object.fromEntries(flagNames.map((name, bit) => [name, () => add(1 << bit)]));
}

function appendOption(words: Words, options: Uint8Array, option: Uint8Array): Uint8Array {
  if (options.length + option.length > 40) throw words.error("expected at most 40 bytes of options");
  return concat(options, option);
}
