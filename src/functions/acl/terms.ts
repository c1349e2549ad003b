import { parseCidr } from "../../engine/host/addresses.ts";
import type { Json, JsonObject } from "../../engine/host/host-side.ts";
import { sortedFlagRanges } from "./flags.ts";

export type Family = "ipv4" | "ipv6" | "frame";
export type Action = "accept" | "drop" | "log" | "count";

export interface Interval {
  readonly low: number;
  readonly high: number;
}

export interface Block {
  readonly family: "ipv4" | "ipv6";
  readonly text: string;
  readonly address: bigint;
  readonly length: number;
}

/** A rule of the configuration, read. What is undefined takes everything. */
export interface RuleTerms {
  /** As the configuration has it. */
  readonly given: JsonObject;
  readonly action: Action;
  /** 0 is `inside`, 1 is `outside`. */
  readonly port: number | undefined;
  readonly sourceMac: bigint | undefined;
  readonly destinationMac: bigint | undefined;
  readonly vlan: number | "untagged" | undefined;
  /** Of the list for frames that are no IP. */
  readonly etherTypes: readonly number[] | undefined;
  readonly source: readonly Block[] | undefined;
  readonly destination: readonly Block[] | undefined;
  readonly protocols: readonly number[] | undefined;
  readonly sourcePorts: readonly Interval[] | undefined;
  readonly destinationPorts: readonly Interval[] | undefined;
  /** Ranges of flags in the order that kernel/headers.ts gives them. */
  readonly flags: readonly Interval[] | undefined;
  readonly icmp: { readonly type: Interval; readonly code: Interval } | undefined;
  readonly fragments: Interval | undefined;
  /** The lists that it belongs to. */
  readonly families: readonly Family[];
}

/** A term that cannot be read. */
export class BadTerm extends Error {
  readonly field: string;
  readonly remedy: string;

  constructor(field: string, message: string, remedy: string) {
    super(message);
    this.field = field;
    this.remedy = remedy;
  }
}

export const etherTypeNames = { ipv4: 0x0800, arp: 0x0806, ipv6: 0x86dd, lldp: 0x88cc, pppoe: 0x8864 } as const;

export const protocolNames = {
  icmp: 1,
  igmp: 2,
  tcp: 6,
  udp: 17,
  dccp: 33,
  gre: 47,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  ospf: 89,
  vrrp: 112,
  sctp: 132,
  udplite: 136,
} as const;

const fragmentNames: Readonly<Record<string, Interval>> = {
  none: { low: 0, high: 0 },
  first: { low: 1, high: 1 },
  later: { low: 2, high: 2 },
  any: { low: 1, high: 2 },
};

/** @throws BadTerm for what a schema cannot find. */
export function readRule(rule: JsonObject, sets: Readonly<Record<string, readonly string[]>>): RuleTerms {
  const types = allOf(rule["etherType"])?.map((type) => numberOf(type, etherTypeNames));
  const fragments = rule["fragments"] === undefined ? undefined : fragmentNames[String(rule["fragments"])]!;
  const given = allOf(rule["protocol"])?.map((protocol) => numberOf(protocol, protocolNames));
  const flags = flagsOf(rule, given);
  const terms = {
    given: rule,
    action: rule["action"] as Action,
    port: rule["port"] === undefined ? undefined : rule["port"] === "inside" ? 0 : 1,
    sourceMac: macOf(rule["sourceMac"]),
    destinationMac: macOf(rule["destinationMac"]),
    vlan: rule["vlan"] as number | "untagged" | undefined,
    etherTypes: types?.filter((type) => type !== etherTypeNames.ipv4 && type !== etherTypeNames.ipv6),
    source: blocksOf(rule, "source", sets),
    destination: blocksOf(rule, "destination", sets),
    protocols: flags && !given ? [protocolNames.tcp] : given,
    sourcePorts: portsOf(rule, "sourcePort"),
    destinationPorts: portsOf(rule, "destinationPort"),
    flags,
    icmp: icmpOf(rule, given),
    fragments,
  };
  return { ...terms, families: familiesOf(terms, types) };
}

/** One value or a list of them. */
function allOf(value: Json | undefined): readonly Json[] | undefined {
  if (value === undefined) return undefined;
  return Array.isArray(value) ? value : [value];
}

function numberOf(value: Json, names: Readonly<Record<string, number>>): number {
  return typeof value === "number" ? value : names[String(value)]!;
}

function macOf(value: Json | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(`0x${String(value).replaceAll(":", "")}`);
}

/** Blocks, or names of sets after an "@". */
function blocksOf(
  rule: JsonObject,
  field: string,
  sets: Readonly<Record<string, readonly string[]>>,
): readonly Block[] | undefined {
  return allOf(rule[field])?.flatMap((value) => {
    const text = String(value);
    if (!text.startsWith("@")) return [readBlock(text, field)];
    const name = text.slice(1);
    if (Object.hasOwn(sets, name)) return sets[name]!.map((one) => readBlock(one, field));
    const there = Object.keys(sets).join(", ") || "none";
    throw new BadTerm(field, `there is no set "${name}": there is ${there}`, "add it to `sets`, or mend the name");
  });
}

export function readBlock(text: string, field: string): Block {
  const family = text.includes(":") ? "ipv6" : "ipv4";
  const whole = text.includes("/") ? text : `${text}/${family === "ipv6" ? 128 : 32}`;
  const block = parseCidr(family, whole);
  if (block) return { family, text: whole, ...block };
  throw new BadTerm(field, `"${text}" is no block of addresses`, 'write "192.0.2.0/24", "2001:db8::/32" or an address');
}

function portsOf(rule: JsonObject, field: string): readonly Interval[] | undefined {
  return allOf(rule[field])?.map((value) => {
    const [low = Number.NaN, high = low] = String(value).split("-").map(Number);
    if (low <= high && high <= 0xffff) return { low, high };
    throw new BadTerm(field, `"${value}" is no port and no range of ports`, 'write 22 or "8000-8999", 0 to 65535');
  });
}

function flagsOf(rule: JsonObject, protocols: readonly number[] | undefined): readonly Interval[] | undefined {
  const flags = rule["tcpFlags"] as { readonly mask: number; readonly value: number } | undefined;
  if (!flags) return undefined;
  if (protocols && !(protocols.length === 1 && protocols[0] === protocolNames.tcp))
    throw new BadTerm("tcpFlags", "only TCP has flags", 'give it "protocol": "tcp", or leave the protocol out');
  if ((flags.value & ~flags.mask) !== 0)
    throw new BadTerm("tcpFlags", "the value has flags that the mask has not", "add them to the mask");
  return sortedFlagRanges(flags.mask, flags.value);
}

function icmpOf(rule: JsonObject, protocols: readonly number[] | undefined): RuleTerms["icmp"] {
  const [type, code] = [rule["icmpType"], rule["icmpCode"]] as readonly (number | undefined)[];
  if (type === undefined && code === undefined) return undefined;
  const [only] = protocols ?? [];
  const isIcmp = only === protocolNames.icmp || only === protocolNames.icmpv6;
  const remedy = 'give the rule "protocol": "icmp" or "icmpv6" and no other';
  if (!isIcmp || protocols?.length !== 1)
    throw new BadTerm("icmpType", "types and codes mean nothing without their protocol", remedy);
  if (rule["sourcePort"] !== undefined || rule["destinationPort"] !== undefined)
    throw new BadTerm("icmpType", "ICMP has no ports", "leave the ports out");
  const exactly = (value: number | undefined): Interval => ({ low: value ?? 0, high: value ?? 255 });
  return { type: exactly(type), code: exactly(code) };
}

function familiesOf(terms: Omit<RuleTerms, "families">, types: readonly number[] | undefined): readonly Family[] {
  const { source, destination, icmp, protocols } = terms;
  const ip = (family: "ipv4" | "ipv6"): boolean => {
    const inBlocks = [source, destination].every((all) => all?.some((block) => block.family === family) ?? true);
    const inTypes = types?.includes(etherTypeNames[family]) ?? true;
    const inIcmp = !icmp || protocols?.[0] === (family === "ipv4" ? protocolNames.icmp : protocolNames.icmpv6);
    return inBlocks && inTypes && inIcmp;
  };
  const isOfIp = [source, destination, protocols, terms.sourcePorts, terms.destinationPorts, terms.fragments].some(
    (term) => term !== undefined,
  );
  const frame = !isOfIp && (types === undefined || (terms.etherTypes?.length ?? 0) > 0);
  const families: readonly Family[] = [
    ...(ip("ipv4") ? ["ipv4" as const] : []),
    ...(ip("ipv6") ? ["ipv6" as const] : []),
    ...(frame ? ["frame" as const] : []),
  ];
  if (families.length > 0) return families;
  const [term] = [source ? "source" : destination ? "destination" : "etherType"];
  throw new BadTerm(term, "its terms contradict each other: no packet fits", "name one family of addresses in a rule");
}
