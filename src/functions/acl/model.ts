/** What the access list is to do, in plain TypeScript: the kernel side is held against it. */
import type { JsonObject } from "../../engine/host/host-side.ts";
import type { Sets } from "./configuration.ts";
import { type Block, etherTypeNames, type Interval, protocolNames, type RuleTerms, readRule } from "./terms.ts";

/** A frame as it is on the wire, tags inside. */
export interface ModelFrame {
  /** 0 is `inside`, 1 is `outside`. */
  readonly port: number;
  readonly bytes: Uint8Array;
}

export interface ModelDecision {
  /** "forward", or the reason for which it is dropped. */
  readonly outcome: "forward" | "rule" | "default" | "truncated" | "tooManyExtensions";
  /** Rules that it met, the deciding one last. */
  readonly rules: readonly number[];
}

/** Rules that log or count which a packet meets at most. */
export const mostPassed = 3;

interface Seen {
  readonly family: "ipv4" | "ipv6" | "frame";
  readonly port: number;
  readonly sourceMac: bigint;
  readonly destinationMac: bigint;
  readonly vlan: number | "untagged";
  readonly etherType: number;
  readonly ip?: IpSeen;
}

interface IpSeen {
  readonly source: bigint;
  readonly destination: bigint;
  readonly protocol: number;
  readonly fragment: number;
  readonly ports?: readonly [source: number, destination: number];
  readonly icmp?: readonly [type: number, code: number];
  readonly flags?: number;
}

type Fault = "truncated" | "tooManyExtensions";

export class AclModel {
  readonly #rules: readonly RuleTerms[];
  readonly #defaults: Readonly<Record<string, string>>;

  constructor(config: JsonObject) {
    const sets = (config["sets"] ?? {}) as Sets;
    this.#rules = ((config["rules"] ?? []) as readonly JsonObject[]).map((rule) => readRule(rule, sets));
    const given = (config["defaults"] ?? {}) as Readonly<Record<string, string>>;
    this.#defaults = { ipv4: "drop", ipv6: "drop", arp: "accept", other: "drop", ...given };
  }

  decide({ port, bytes }: ModelFrame): ModelDecision {
    const seen = read(port, bytes);
    if (typeof seen === "string") return { outcome: seen, rules: [] };
    const rules: number[] = [];
    for (const [number, rule] of this.#rules.entries()) {
      const ends = rule.action === "accept" || rule.action === "drop";
      if ((!ends && rules.length === mostPassed) || !accepts(rule, seen)) continue;
      rules.push(number);
      if (ends) return { outcome: rule.action === "accept" ? "forward" : "rule", rules };
    }
    const family = seen.ip ? seen.family : seen.etherType === etherTypeNames.arp ? "arp" : "other";
    return { outcome: this.#defaults[family] === "accept" ? "forward" : "default", rules };
  }
}

function accepts(rule: RuleTerms, seen: Seen): boolean {
  const same = <T>(wanted: T | undefined, is: T): boolean => wanted === undefined || wanted === is;
  return (
    rule.families.includes(seen.family) &&
    same(rule.port, seen.port) &&
    same(rule.sourceMac, seen.sourceMac) &&
    same(rule.destinationMac, seen.destinationMac) &&
    same(rule.vlan, seen.vlan) &&
    (seen.ip ? acceptsIp(rule, seen.ip, seen.family) : (rule.etherTypes?.includes(seen.etherType) ?? true))
  );
}

function acceptsIp(rule: RuleTerms, ip: IpSeen, family: Seen["family"]): boolean {
  const { icmp, flags, sourcePorts, destinationPorts } = rule;
  return (
    inBlocks(rule.source, ip.source, family) &&
    inBlocks(rule.destination, ip.destination, family) &&
    (rule.protocols?.includes(ip.protocol) ?? true) &&
    (!rule.fragments || within(rule.fragments, ip.fragment)) &&
    (!sourcePorts || (ip.ports !== undefined && sourcePorts.some((range) => within(range, ip.ports![0])))) &&
    (!destinationPorts || (ip.ports !== undefined && destinationPorts.some((range) => within(range, ip.ports![1])))) &&
    (!icmp || (ip.icmp !== undefined && within(icmp.type, ip.icmp[0]) && within(icmp.code, ip.icmp[1]))) &&
    (!flags || (ip.flags !== undefined && acceptsFlags(rule, ip.flags)))
  );
}

function acceptsFlags({ given }: RuleTerms, flags: number): boolean {
  const { mask, value } = given["tcpFlags"] as { readonly mask: number; readonly value: number };
  return (flags & mask) === value;
}

function within({ low, high }: Interval, value: number): boolean {
  return low <= value && value <= high;
}

function inBlocks(blocks: readonly Block[] | undefined, address: bigint, family: Seen["family"]): boolean {
  if (!blocks) return true;
  return blocks.some((block) => {
    const host = BigInt((block.family === "ipv4" ? 32 : 128) - block.length);
    return block.family === family && block.address >> host === address >> host;
  });
}

// ---------------------------------------------------------------------------------------------------------- reading

function read(port: number, bytes: Uint8Array): Seen | Fault {
  if (bytes.length < 14) return "truncated";
  let [at, vlan]: [number, number | "untagged"] = [12, "untagged"];
  for (let tags = 0; tags < 2 && isTag(number(bytes, at, 2)); tags++) {
    if (bytes.length < at + 6) return "truncated";
    if (vlan === "untagged") vlan = number(bytes, at + 2, 2) & 0xfff;
    at += 4;
  }
  const etherType = number(bytes, at, 2);
  const link = { port, destinationMac: big(bytes, 0, 6), sourceMac: big(bytes, 6, 6), vlan, etherType };
  const start = at + 2;
  if (etherType === etherTypeNames.ipv4) return join(link, "ipv4", readIpv4(bytes, start));
  if (etherType === etherTypeNames.ipv6) return join(link, "ipv6", readIpv6(bytes, start));
  return { ...link, family: "frame" };
}

function join(link: Omit<Seen, "family">, family: Seen["family"], ip: IpSeen | Fault): Seen | Fault {
  return typeof ip === "string" ? ip : { ...link, family, ip };
}

function isTag(type: number): boolean {
  return type === 0x8100 || type === 0x88a8;
}

function readIpv4(bytes: Uint8Array, start: number): IpSeen | Fault {
  if (bytes.length < start + 20) return "truncated";
  const length = (bytes[start]! & 15) * 4;
  const total = number(bytes, start + 2, 2);
  const end = total === 0 ? bytes.length : start + total;
  if (bytes[start]! >> 4 !== 4 || length < 20 || start + length > end || end > bytes.length) return "truncated";
  const field = number(bytes, start + 6, 2);
  const fragment = (field & 0x1fff) !== 0 ? 2 : (field & 0x2000) !== 0 ? 1 : 0;
  const protocol = bytes[start + 9]!;
  const addresses = { source: big(bytes, start + 12, 4), destination: big(bytes, start + 16, 4) };
  return readTransport(bytes, { ...addresses, protocol, fragment }, [start + length, end, protocolNames.icmp]);
}

const extensions = [0, 43, 44, 51, 60, 135, 139, 140];
const mostExtensions = 8;

function readIpv6(bytes: Uint8Array, start: number): IpSeen | Fault {
  if (bytes.length < start + 40) return "truncated";
  const payload = number(bytes, start + 4, 2);
  const end = payload === 0 ? bytes.length : start + 40 + payload;
  if (bytes[start]! >> 4 !== 6 || end > bytes.length) return "truncated";
  const addresses = { source: big(bytes, start + 8, 16), destination: big(bytes, start + 24, 16) };
  let [protocol, at, fragment] = [bytes[start + 6]!, start + 40, 0];
  for (let walked = 0; extensions.includes(protocol) && fragment !== 2; walked++) {
    if (walked === mostExtensions) return "tooManyExtensions";
    if (at + 8 > bytes.length) return "truncated";
    const [next, length, place] = [bytes[at]!, bytes[at + 1]!, number(bytes, at + 2, 2)];
    if (protocol === 44) {
      if (place >> 3 !== 0) fragment = 2;
      else if ((place & 1) !== 0) fragment = 1;
      at += 8;
    } else at += protocol === 51 ? (length + 2) * 4 : (length + 1) * 8;
    if (at > end) return "truncated";
    protocol = next;
  }
  return readTransport(bytes, { ...addresses, protocol, fragment }, [at, end, protocolNames.icmpv6]);
}

function readTransport(
  bytes: Uint8Array,
  ip: IpSeen,
  [at, end, icmp]: readonly [at: number, end: number, icmp: number],
): IpSeen | Fault {
  const { protocol } = ip;
  if (ip.fragment === 2) return ip;
  const isPorts = [protocolNames.dccp, protocolNames.sctp, protocolNames.udplite].some((one) => one === protocol);
  const needed = protocol === 6 ? 20 : protocol === 17 ? 8 : protocol === icmp || isPorts ? 4 : 0;
  if (needed === 0) return ip;
  if (at + needed > end) return "truncated";
  if (protocol === icmp) return { ...ip, icmp: [bytes[at]!, bytes[at + 1]!] };
  const ports = [number(bytes, at, 2), number(bytes, at + 2, 2)] as const;
  return protocol === 6 ? { ...ip, ports, flags: bytes[at + 13]! } : { ...ip, ports };
}

function number(bytes: Uint8Array, at: number, length: number): number {
  return bytes.subarray(at, at + length).reduce((value, byte) => value * 256 + byte, 0);
}

function big(bytes: Uint8Array, at: number, length: number): bigint {
  return bytes.subarray(at, at + length).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}
