/** Access lists of any length, in the form of each side. */
import type { Maps } from "../lib/loaded.ts";
import { randomNumbers } from "../lib/statistics.ts";
import { mapOf, pack } from "../programs/case.ts";

export interface AccessRule {
  readonly source: { readonly address: number; readonly length: number };
  readonly destination: { readonly address: number; readonly length: number };
  readonly protocol: number | undefined;
  readonly low: number;
  readonly high: number;
  readonly deny: boolean;
}

/**
 * Rules about 10.0.0.0/8: sources of /12 to /32, destinations of /16 to /32 or any, TCP, UDP or both, one port, a range
 * or all ports. The same seed gives the same rules.
 */
export function makeRules(count: number, seed = 1): AccessRule[] {
  const random = randomNumbers(seed);
  const upTo = (most: number) => Math.floor(random() * (most + 1));
  const block = (shortest: number) => {
    const length = shortest + upTo(32 - shortest);
    const host = 2 ** (32 - length);
    const address = 0x0a000000 + upTo(0xffffff);
    return { address: Math.floor(address / host) * host, length };
  };
  return Array.from({ length: count }, () => {
    const low = upTo(65535);
    const width = [0, 0, upTo(1000), 65535][upTo(3)]!;
    return {
      source: block(12),
      destination: random() < 0.2 ? { address: 0, length: 0 } : block(16),
      protocol: [6, 17, undefined][upTo(2)],
      low: width === 65535 ? 0 : low,
      high: Math.min(low + width, 65535),
      deny: random() < 0.5,
    };
  });
}

/**
 * Rules in the manner of ClassBench (IEEE/ACM ToN 2007): pairs of prefixes of all lengths that share their beginnings,
 * one port, the usual ranges or all ports, mostly one protocol; narrow rules before wide ones.
 */
export function makeMixedRules(count: number, seed = 1): AccessRule[] {
  const random = randomNumbers(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(list: readonly T[]): T => list[below(list.length)]!;
  const sites = Array.from({ length: Math.max(4, Math.floor(count / 40)) }, () => below(2 ** 32));
  const lengths = [
    0, 8, 12, 15, 16, 17, 19, 20, 21, 22, 23, 24, 24, 24, 25, 26, 27, 28, 28, 29, 30, 31, 32, 32, 32, 32,
  ];
  const block = () => {
    const length = pick(lengths);
    const host = 2 ** (32 - length);
    const near = (pick(sites) + below(2 ** pick([4, 8, 12, 16]))) % 2 ** 32;
    return { address: Math.floor(near / host) * host, length };
  };
  const ports = [
    ...[() => [0, 65535], () => [0, 65535], () => [1024, 65535], () => [0, 1023]],
    ...[
      () =>
        pick([
          [80, 80],
          [443, 443],
          [53, 53],
          [22, 22],
          [25, 25],
        ] as const),
      () => [1, 1].fill(below(65536)),
    ],
    () => {
      const low = below(60_000);
      return [low, low + below(5000)];
    },
  ];
  const rules = Array.from({ length: count }, (): AccessRule => {
    const [low, high] = pick(ports)();
    const protocol = pick([6, 6, 6, 17, 17, undefined]);
    return { source: block(), destination: block(), protocol, low: low!, high: high!, deny: random() < 0.5 };
  });
  const width = ({ source, destination }: AccessRule) => source.length + destination.length;
  return rules.filter((rule) => width(rule) >= 8).sort((a, b) => width(b) - width(a));
}

/** Whether a rule accepts a packet of TCP. */
function acceptsTcp({ source, destination, protocol, low, high }: AccessRule, from: number, to: number, port: number) {
  const inside = (block: AccessRule["source"], address: number) =>
    Math.floor(address / 2 ** (32 - block.length)) === Math.floor(block.address / 2 ** (32 - block.length));
  return protocol !== 17 && low <= port && port <= high && inside(source, from) && inside(destination, to);
}

/** A packet from and to where rules are, that no rule accepts. */
export function nearMiss(rules: readonly AccessRule[]): string {
  const random = randomNumbers(7);
  for (;;) {
    const [from, to] = [0x0a000000 + Math.floor(random() * 0x1000000), 0x0a000000 + Math.floor(random() * 0x1000000)];
    const port = Math.floor(random() * 65536);
    if (rules.some((rule) => acceptsTcp(rule, from, to, port))) continue;
    return `eth / ip ${dotted(from)} > ${dotted(to)} / tcp 1234 > ${port}`;
  }
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

/** The rules as the value of the TypeScript program's setting. */
export function asSetting(rules: readonly AccessRule[]): readonly object[] {
  return rules.map(({ source, destination, protocol, low, high, deny }) => ({
    source: `${dotted(source.address)}/${source.length}`,
    destination: `${dotted(destination.address)}/${destination.length}`,
    ...(protocol === undefined ? {} : { protocol }),
    port: { low, high },
    action: deny ? "deny" : "allow",
  }));
}

/** Writes the rules into the map of the C program. */
export function fillRules(maps: Maps, rules: readonly AccessRule[]): void {
  const mask = (length: number) => (length === 0 ? 0 : 2 ** 32 - 2 ** (32 - length));
  const map = mapOf(maps, "rules");
  for (const [index, { source, destination, protocol, low, high, deny }] of rules.entries()) {
    const value = pack(
      ["u32", source.address],
      ["u32", mask(source.length)],
      ["u32", destination.address],
      ["u32", mask(destination.length)],
      ["u16", low],
      ["u16", high],
      ["u8", protocol ?? 0],
      ["u8", deny ? 1 : 0],
      ["u16", 0],
    );
    map.update(pack(["u32", index]), value);
  }
}

/** A packet that a rule's own fields describe; an earlier rule may accept it as well. */
export function packetFor(rule: AccessRule): string {
  const kind = rule.protocol === 17 ? "udp" : "tcp";
  const destination = rule.destination.length === 0 ? 0x0a010203 : rule.destination.address;
  return `eth / ip ${dotted(rule.source.address)} > ${dotted(destination)} / ${kind} 1234 > ${rule.low}`;
}

export const unmatchedPacket = "eth / ip 203.0.113.5 > 198.51.100.9 / tcp 1234 > 443 syn";
