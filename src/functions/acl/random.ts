/** Random access lists and frames for tests: few addresses, ports and tags, so that they meet. */
import type { Json, JsonObject } from "../../engine/host/host-side.ts";
import { etherTypeNames } from "./terms.ts";

/** A source of random numbers. */
export interface Numbers {
  below(end: number): number;
  chance(percent: number): boolean;
  pick<T>(list: readonly T[]): T;
}

const macs = ["02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"] as const;
const vlans = [0, 10, 20, 4094] as const;
const types = [0x0806, 0x88cc, 0x9000, 0x05dc] as const;
const blocks4 = ["0.0.0.0/0", "10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.1.2.3", "192.0.2.0/25", "@dmz"] as const;
const blocks6 = ["::/0", "2001:db8::/32", "2001:db8:1::/48", "2001:db8:1::5", "fe80::/10", "@six"] as const;
const addresses4 = [
  [10, 1, 2, 3],
  [10, 1, 2, 4],
  [10, 200, 0, 1],
  [192, 0, 2, 7],
  [198, 51, 100, 1],
] as const;
const addresses6 = ["20010db8000100000000000000000005", "20010db8000200000000000000000001", "fe80".padEnd(32, "1")];
const protocols = ["tcp", "udp", "icmp", "icmpv6", "sctp", "gre", 50, 253] as const;
const protocolBytes = [6, 6, 6, 17, 17, 1, 58, 132, 47, 253] as const;
const ports = [0, 22, 53, 80, 443, 1023, 8080, 65535] as const;
const ranges = [22, 53, "80-443", "0-1023", "8080", "1024-65535"] as const;
const extensions = [0, 43, 60, 51, 44, 135] as const;

export const randomSets = { dmz: ["10.1.2.0/30", "192.0.2.4/30"], six: ["2001:db8:2::/48", "fe80::/64"], none: [] };

export function randomAcl(random: Numbers): JsonObject {
  const count = random.pick([0, 1, 3, 5, 20, 60]);
  const families = ["ipv4", "ipv6", "arp", "other"].filter(() => random.chance(50));
  return {
    rules: Array.from({ length: count }, () => randomRule(random)),
    sets: randomSets,
    defaults: Object.fromEntries(families.map((family) => [family, random.pick(["accept", "drop"])])),
  };
}

/** Some of a rule's terms; few of them, so that packets fit. */
function randomRule(random: Numbers): JsonObject {
  const action = random.chance(75) ? random.pick(["accept", "drop"]) : random.pick(["log", "count"]);
  const maybe = (percent: number, terms: () => JsonObject): JsonObject => (random.chance(percent) ? terms() : {});
  const link = {
    ...maybe(20, () => ({ port: random.pick(["inside", "outside"]) })),
    ...maybe(8, () => ({ sourceMac: random.pick(macs) })),
    ...maybe(8, () => ({ destinationMac: random.pick(macs) })),
    ...maybe(15, () => ({ vlan: random.pick([...vlans, "untagged"]) })),
  };
  if ((action === "log" || action === "count") && random.chance(50)) return { action, ...link };
  if (random.chance(20)) return { action, ...link, ...maybe(70, () => ({ etherType: someOf(random, types) })) };
  const blocks = random.chance(50) ? blocks4 : blocks6;
  return {
    action,
    ...link,
    ...maybe(10, () => ({ etherType: blocks === blocks4 ? "ipv4" : ["ipv6", 0x86dd] })),
    ...maybe(50, () => ({ source: someOf(random, blocks) })),
    ...maybe(40, () => ({ destination: someOf(random, blocks) })),
    ...maybe(15, () => ({ fragments: random.pick(["none", "first", "later", "any"]) })),
    ...randomTransport(random, blocks === blocks4 ? "icmp" : "icmpv6"),
  };
}

function randomTransport(random: Numbers, icmp: string): JsonObject {
  const ends = {
    ...(random.chance(25) ? { sourcePort: someOf(random, ranges) } : {}),
    ...(random.chance(50) ? { destinationPort: someOf(random, ranges) } : {}),
  };
  switch (random.below(5)) {
    case 0:
      return {};
    case 1:
      return ends;
    case 2:
      return { protocol: someOf(random, protocols), ...ends };
    case 3: {
      const mask = random.pick([0x02, 0x12, 0x14, 0x17, 0x3f, 0xff]);
      return { ...(random.chance(50) ? { protocol: "tcp" } : {}), tcpFlags: { mask, value: random.below(256) & mask } };
    }
    default:
      return {
        protocol: icmp,
        icmpType: random.pick([0, 8, 128]),
        ...(random.chance(30) ? { icmpCode: random.below(2) } : {}),
      };
  }
}

/** One value, or a list of a few. */
function someOf(random: Numbers, values: readonly Json[]): Json {
  if (random.chance(70)) return random.pick(values);
  return Array.from({ length: 1 + random.below(3) }, () => random.pick(values));
}

/** A frame with its tags inside, now and then cut off or contradicting itself. */
export function randomFrame(random: Numbers): Uint8Array {
  const tags = random.pick([0, 0, 0, 0, 1, 1, 2, 3]);
  const link = [...mac(random), ...mac(random)];
  for (let tag = 0; tag < tags; tag++) link.push(random.pick([0x81, 0x88]), 0, ...word(random.pick(vlans)));
  for (let tag = 12; tag < link.length; tag += 4) link[tag + 1] = link[tag] === 0x81 ? 0 : 0xa8;
  const family = random.below(10);
  const body = family < 5 ? ipv4(random) : family < 9 ? ipv6(random) : other(random);
  const whole = Uint8Array.of(...link, ...body);
  if (random.chance(90)) return whole;
  const cut = whole.slice(0, 14 + random.below(Math.max(1, whole.length - 14)));
  if (random.chance(50)) cut[random.below(cut.length)] = random.below(256);
  return cut;
}

function word(value: number): readonly number[] {
  return [(value >> 8) & 0xff, value & 0xff];
}

function mac(random: Numbers): readonly number[] {
  return [2, 0, 0, 0, 0, 1 + random.below(4)];
}

function other(random: Numbers): readonly number[] {
  return [...word(random.pick([...types, etherTypeNames.pppoe])), ...new Array<number>(46).fill(0)];
}

function ipv4(random: Numbers): readonly number[] {
  const protocol = random.pick(protocolBytes);
  const options = random.chance(10) ? 1 + random.below(10) : 0;
  const fragment = random.pick([0, 0, 0, 0x4000, 0x2000, 0x2001, 0x0007]);
  const upper = transport(random, protocol);
  const length = 20 + 4 * options + upper.length;
  const said = random.chance(95) ? length : random.pick([0, length - 1, length + 1, 19, 24]);
  const head = [0x45 + options, 0, ...word(said), 0, 1, ...word(fragment), 64, protocol, 0, 0];
  const ends = [...random.pick(addresses4), ...random.pick(addresses4)];
  return [8, 0, ...head, ...ends, ...new Array<number>(4 * options).fill(1), ...upper, ...padding(random)];
}

function ipv6(random: Numbers): readonly number[] {
  const count = random.pick([0, 0, 0, 0, 1, 2, 3, 8, 9]);
  const chain = Array.from({ length: count }, () => random.pick(extensions));
  const protocol = random.pick(protocolBytes);
  const next = [...chain, protocol];
  const walked = chain.flatMap((kind, index) => extension(random, kind, next[index + 1]!));
  const payload = [...walked, ...transport(random, protocol)];
  const said = random.chance(95) ? payload.length : random.pick([0, payload.length + 1, 3]);
  const ends = [random.pick(addresses6), random.pick(addresses6)].flatMap((text) => [...Buffer.from(text, "hex")]);
  return [0x86, 0xdd, 0x60, 0, 0, 0, ...word(said), next[0]!, 64, ...ends, ...payload, ...padding(random)];
}

function extension(random: Numbers, kind: number, next: number): readonly number[] {
  if (kind === 44) return [next, 0, ...word(random.pick([0, 1, 1, 9, 8])), 0, 0, 0, 1];
  const units = random.chance(80) ? 0 : 1;
  if (kind === 51) return [next, 2 * units + 1, ...new Array<number>((2 * units + 3) * 4 - 2).fill(0)];
  return [next, units, ...new Array<number>((units + 1) * 8 - 2).fill(0)];
}

function transport(random: Numbers, protocol: number): readonly number[] {
  const ends = [...word(random.pick(ports)), ...word(random.pick(ports))];
  const cut = random.chance(4) ? random.below(8) : 40;
  const rest = new Array<number>(8).fill(0);
  if (protocol === 6) return [...ends, ...rest, 0x50, random.below(256), ...rest].slice(0, cut);
  if (protocol === 1 || protocol === 58)
    return [random.pick([0, 8, 128]), random.below(2), 0, 0, ...rest].slice(0, cut);
  return [...ends, 0, 8, 0, 0].slice(0, cut);
}

function padding(random: Numbers): readonly number[] {
  return new Array<number>(random.chance(70) ? 20 : 0).fill(0);
}
