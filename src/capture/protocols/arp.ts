import { formatIpv4, formatMac } from "../address.ts";
import { joinWords, type Layer, type Protocol } from "../layer.ts";
import { concat, equal, viewOf } from "../octets.ts";
import type { Words } from "../words.ts";

/**
 * `arp who-has TARGET tell SENDER [sender-mac M] [target-mac M]`,
 * `arp SENDER is-at MAC to TARGET [target-mac M]` (RFC 826, for IPv4 over Ethernet)
 */
export interface Arp {
  readonly kind: "arp";
  readonly operation: "request" | "reply";
  readonly senderIp: Uint8Array;
  readonly targetIp: Uint8Array;
  /** Left out: the frame's source. */
  readonly senderMac?: Uint8Array;
  /** Left out: zero in a request, the frame's destination in a reply. */
  readonly targetMac?: Uint8Array;
}

const length = 28;
/** Ethernet, IPv4, and the lengths of their addresses. */
const fixed = Uint8Array.of(0, 1, 8, 0, 6, 4);

export const arp: Protocol<Arp> = {
  derived: ["senderMac", "targetMac"],

  parse(words) {
    let layer = words.accept("who-has") ? parseRequest(words) : parseReply(words);
    words.options({
      "sender-mac": () => {
        layer = { ...layer, senderMac: words.mac() };
      },
      "target-mac": () => {
        layer = { ...layer, targetMac: words.mac() };
      },
    });
    return layer;
  },

  encode(layer, content, { outer }) {
    const operation = Uint8Array.of(0, layer.operation === "request" ? 1 : 2);
    const frame = frameOf(outer);
    const senderMac = layer.senderMac ?? frame?.source ?? new Uint8Array(6);
    const answered = layer.operation === "reply" ? frame?.destination : undefined;
    const targetMac = layer.targetMac ?? answered ?? new Uint8Array(6);
    return concat(fixed, operation, senderMac, layer.senderIp, targetMac, layer.targetIp, content);
  },

  dissect(bytes) {
    if (bytes.length < length || !equal(bytes.subarray(0, 6), fixed)) return undefined;
    const operation = viewOf(bytes).getUint16(6);
    if (operation !== 1 && operation !== 2) return undefined;
    const layer: Arp = {
      kind: "arp",
      operation: operation === 1 ? "request" : "reply",
      senderMac: bytes.slice(8, 14),
      senderIp: bytes.slice(14, 18),
      targetMac: bytes.slice(18, 24),
      targetIp: bytes.slice(24, 28),
    };
    return { layer, headerLength: length, length, next: undefined };
  },

  format({ operation, senderIp, targetIp, senderMac, targetMac }) {
    const sender = senderMac && formatMac(senderMac);
    const target = targetMac && `target-mac ${formatMac(targetMac)}`;
    if (operation === "request") {
      const text = `who-has ${formatIpv4(targetIp)} tell ${formatIpv4(senderIp)}`;
      return joinWords("arp", text, sender && `sender-mac ${sender}`, target);
    }
    return joinWords("arp", formatIpv4(senderIp), sender && `is-at ${sender}`, `to ${formatIpv4(targetIp)}`, target);
  },
};

function parseRequest(words: Words): Arp {
  const targetIp = words.ipv4();
  words.expect("tell");
  return { kind: "arp", operation: "request", targetIp, senderIp: words.ipv4() };
}

function parseReply(words: Words): Arp {
  const senderIp = words.ipv4();
  const senderMac = words.accept("is-at") ? words.mac() : undefined;
  words.expect("to");
  const reply: Arp = { kind: "arp", operation: "reply", senderIp, targetIp: words.ipv4() };
  return senderMac ? { ...reply, senderMac } : reply;
}

function frameOf(outer: readonly Layer[]) {
  return outer.findLast((layer) => layer.kind === "eth");
}
