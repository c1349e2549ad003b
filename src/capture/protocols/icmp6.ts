import { formatIpv6, formatMac } from "../address.ts";
import { transportChecksum } from "../checksum.ts";
import { endpointsOf } from "../endpoints.ts";
import { field, hexField, joinWords, type Protocol } from "../layer.ts";
import { ipProtocols } from "../numbers.ts";
import { concat, viewOf } from "../octets.ts";

/**
 * `icmp6 echo-request [id N] [seq N]`, `icmp6 echo-reply ...`, `icmp6 unreachable`, `icmp6 too-big mtu N`,
 * `icmp6 time-exceeded`, `icmp6 router-solicitation`, `icmp6 neighbor-solicitation TARGET [mac M]`,
 * `icmp6 neighbor-advertisement TARGET [router] [solicited] [override] [mac M]`, or `icmp6 type N`; each with
 * `[code N] [rest N] [checksum N]` (RFC 4443, RFC 4861). The quoted packet of an error is the next layer.
 */
export interface Icmp6 {
  readonly kind: "icmp6";
  readonly type: number;
  readonly code: number;
  /** The second word of the header: identifier and sequence number, MTU, flags. */
  readonly rest: number;
  /** Of neighbour discovery only. */
  readonly target?: Uint8Array;
  /** The link-layer address option: the source's in a solicitation, the target's in an advertisement. */
  readonly mac?: Uint8Array;
  readonly checksum?: number;
}

const types: Readonly<Record<string, number>> = {
  unreachable: 1,
  "too-big": 2,
  "time-exceeded": 3,
  "echo-request": 128,
  "echo-reply": 129,
  "router-solicitation": 133,
  "neighbor-solicitation": 135,
  "neighbor-advertisement": 136,
};
const solicitation = 135;
const advertisement = 136;
const advertisementFlags = { router: 0x80000000, solicited: 0x40000000, override: 0x20000000 } as const;
const flagNames = Object.keys(advertisementFlags) as (keyof typeof advertisementFlags)[];

export const icmp6: Protocol<Icmp6> = {
  derived: ["checksum"],

  parse(words) {
    const type = words.accept("type")
      ? words.number("an ICMPv6 type", 0, 255)
      : words.take(`one of ${Object.keys(types).join(", ")}, or "type N"`, (word) => types[word]);
    const discovery = isDiscovery(type) && words.peek.includes(":");
    let layer: Icmp6 = { kind: "icmp6", type, code: 0, rest: 0, ...(discovery ? { target: words.ipv6() } : {}) };
    const set = (changes: Partial<Icmp6>) => {
      layer = { ...layer, ...changes };
    };
    const flag = (bit: number) => () => set({ rest: (layer.rest | bit) >>> 0 });
    words.options({
      code: () => set({ code: words.number("a code", 0, 255) }),
      id: () => set({ rest: ((layer.rest & 0xffff) | (words.number("an identifier", 0, 0xffff) << 16)) >>> 0 }),
      seq: () => set({ rest: ((layer.rest & ~0xffff) | words.number("a sequence number", 0, 0xffff)) >>> 0 }),
      mtu: () => set({ rest: words.number("an MTU", 0, 0xffffffff) }),
      rest: () => set({ rest: words.number("the header's second word", 0, 0xffffffff) }),
      checksum: () => set({ checksum: words.number("a checksum", 0, 0xffff) }),
      ...(type === advertisement
        ? Object.fromEntries(flagNames.map((name) => [name, flag(advertisementFlags[name])]))
        : {}),
      ...(discovery ? { mac: () => set({ mac: words.mac() }) } : {}),
    });
    return layer;
  },

  encode(layer, content, { outer }) {
    const option = layer.mac && concat(Uint8Array.of(optionType(layer.type), 1), layer.mac);
    const empty = new Uint8Array(0);
    const message = concat(new Uint8Array(8), layer.target ?? empty, option ?? empty, content);
    const view = viewOf(message);
    view.setUint8(0, layer.type);
    view.setUint8(1, layer.code);
    view.setUint32(4, layer.rest);
    view.setUint16(2, layer.checksum ?? transportChecksum(endpointsOf(outer), ipProtocols.icmp6, message));
    return message;
  },

  dissect(bytes) {
    if (bytes.length < 8) return undefined;
    const view = viewOf(bytes);
    const type = bytes[0]!;
    const body = isDiscovery(type) && bytes.length >= 24 ? discoveryBody(bytes) : { length: 8, fields: {} };
    const layer: Icmp6 = {
      kind: "icmp6",
      type,
      code: bytes[1]!,
      rest: view.getUint32(4),
      ...body.fields,
      checksum: view.getUint16(2),
    };
    // Types below 128 are errors (RFC 4443 section 2.1).
    return { layer, headerLength: body.length, length: bytes.length, next: type < 128 ? "ip6" : undefined };
  },

  format(layer) {
    const name = Object.keys(types).find((key) => types[key] === layer.type) ?? `type ${layer.type}`;
    return joinWords(
      `icmp6 ${name}`,
      layer.target && formatIpv6(layer.target),
      field("code", layer.code, 0),
      ...formatRest(layer),
      layer.mac && `mac ${formatMac(layer.mac)}`,
      hexField("checksum", layer.checksum, 4),
    );
  },
};

function isDiscovery(type: number): boolean {
  return type === solicitation || type === advertisement;
}

/** RFC 4861 section 4.6.1. */
function optionType(type: number): number {
  return type === solicitation ? 1 : 2;
}

function discoveryBody(bytes: Uint8Array): { length: number; fields: Pick<Icmp6, "target" | "mac"> } {
  const target = bytes.slice(8, 24);
  const hasMac = bytes.length >= 32 && bytes[24] === optionType(bytes[0]!) && bytes[25] === 1;
  return hasMac ? { length: 32, fields: { target, mac: bytes.slice(26, 32) } } : { length: 24, fields: { target } };
}

function formatRest(layer: Icmp6): (string | false)[] {
  if (layer.type === types["echo-request"] || layer.type === types["echo-reply"]) {
    return [`id ${layer.rest >>> 16}`, `seq ${layer.rest & 0xffff}`];
  }
  if (layer.type === types["too-big"]) return [`mtu ${layer.rest}`];
  const flags = layer.type === advertisement ? flagNames.filter((name) => layer.rest & advertisementFlags[name]) : [];
  const known = flags.reduce((sum, name) => sum + advertisementFlags[name], 0);
  return known === layer.rest ? flags : [hexField("rest", layer.rest, 8, 0)];
}
