import type { JsonObject } from "../../engine/host/host-side.ts";
import { isImmutable, keepImmutable } from "../../engine/host/immutable.ts";
import { type Block, type Family, type Interval, type RuleTerms, readRule } from "./terms.ts";

/** The numbers that kernel/headers.ts and kernel/tables.ts agree on. */
export const untagged = 4096;
const noFlags = 0x100;
const icmpStart = 0x2_0000;
const mostRounds = 4;

/** A rule of one of the three lists that the kernel side matches against. */
export type KernelRule = Readonly<Record<string, unknown>>;

/** The lists of the kernel side. */
export interface KernelRules {
  readonly ipv4: readonly KernelRule[];
  readonly ipv6: readonly KernelRule[];
  readonly frame: readonly KernelRule[];
  /** Rules that a packet can meet. */
  readonly rounds: number;
  /** MAC addresses, as they are numbered from 1 on. */
  readonly stations: readonly bigint[];
}

export type Sets = Readonly<Record<string, readonly string[]>>;

const families = ["ipv4", "ipv6", "frame"] as const satisfies readonly Family[];

const known = new WeakMap<object, KernelRules>();

/** What the configuration's rules become. @throws BadTerm */
export function kernelRules(config: JsonObject): KernelRules {
  const found = known.get(config);
  if (found) return found;
  const made = makeKernelRules(config);
  if (isImmutable(config)) known.set(config, made);
  return made;
}

function makeKernelRules(config: JsonObject): KernelRules {
  const rules = (config["rules"] ?? []) as readonly JsonObject[];
  const sets = (config["sets"] ?? noSets) as Sets;
  const stations = new Map<bigint, number>();
  const lists: Record<Family, KernelRule[]> = { ipv4: [], ipv6: [], frame: [] };
  // Rules that log or count go on: each is met in stages up to its own, and leads to the next one.
  let passed = 0;
  for (const [number, rule] of rules.entries()) {
    const ends = rule["action"] === "accept" || rule["action"] === "drop";
    const stage = ends ? undefined : passed++;
    const expanded = expand(rule, sets, number, stage, (mac) => numberOf(stations, mac));
    for (const family of families) for (const one of expanded[family]) lists[family].push(one);
  }
  return { ...lists, rounds: Math.min(passed + 1, mostRounds), stations: [...stations.keys()] };
}

const noSets: Sets = {};

function numberOf(stations: Map<bigint, number>, mac: bigint): number {
  const known = stations.get(mac) ?? stations.size + 1;
  stations.set(mac, known);
  return known;
}

type Expanded = Readonly<Record<Family, readonly KernelRule[]>>;

interface Remembered {
  readonly sets: Sets;
  readonly number: number;
  readonly stage: number | undefined;
  readonly expanded: Expanded;
}

/** Rules are the same objects from one revision to the next where they did not change: then so is what they become. */
const remembered = new WeakMap<object, Remembered>();

function expand(
  rule: JsonObject,
  sets: Sets,
  number: number,
  stage: number | undefined,
  station: (mac: bigint) => number,
): Expanded {
  const known = remembered.get(rule);
  if (known && known.sets === sets && known.number === number && known.stage === stage) return known.expanded;
  const terms = readRule(rule, sets);
  const says = {
    number,
    next: stage === undefined ? 0 : stage + 1,
    action: terms.action,
    ...(stage === undefined ? {} : { stage: { low: 0, high: stage } }),
  };
  const link = linkFields(terms, station);
  const expanded: Expanded = keepImmutable({
    ipv4: terms.families.includes("ipv4") ? ipRules(terms, "ipv4", link, says) : [],
    ipv6: terms.families.includes("ipv6") ? ipRules(terms, "ipv6", link, says) : [],
    frame: terms.families.includes("frame") ? frameRules(terms, link, says) : [],
  });
  // The numbers of stations depend on other rules.
  const own = terms.sourceMac === undefined && terms.destinationMac === undefined;
  if (own && isImmutable(rule)) remembered.set(rule, { sets, number, stage, expanded });
  return expanded;
}

function linkFields({ sourceMac, destinationMac, vlan }: RuleTerms, station: (mac: bigint) => number): KernelRule {
  return {
    ...(sourceMac === undefined ? {} : { sourceStation: station(sourceMac) }),
    ...(destinationMac === undefined ? {} : { destinationStation: station(destinationMac) }),
    ...(vlan === undefined ? {} : { vlan: vlan === "untagged" ? untagged : vlan }),
  };
}

function frameRules({ port, etherTypes }: RuleTerms, link: KernelRule, says: KernelRule): readonly KernelRule[] {
  const place = port === undefined ? {} : { place: { low: port << 2, high: port << 2 } };
  if (!etherTypes) return [{ ...link, ...place, ...says }];
  return etherTypes.map((etherType) => ({ ...link, ...place, etherType, ...says }));
}

function ipRules(terms: RuleTerms, family: "ipv4" | "ipv6", link: KernelRule, says: KernelRule): readonly KernelRule[] {
  const alternatives = [
    field("place", placesOf(terms)),
    blocks("source", terms.source, family),
    blocks("destination", terms.destination, family),
    field("protocol", protocolWords(terms)),
    ...transportFields(terms),
  ];
  return alternatives.reduce<readonly KernelRule[]>(
    (rules, choices) => rules.flatMap((rule) => choices.map((choice) => ({ ...rule, ...choice }))),
    [{ ...link, ...says }],
  );
}

/** Alternatives for a field of a rule; without intervals it takes everything. */
function field(name: string, intervals: readonly Interval[] | undefined): readonly KernelRule[] {
  return intervals ? intervals.map((interval) => ({ [name]: interval })) : [{}];
}

function blocks(name: string, all: readonly Block[] | undefined, family: "ipv4" | "ipv6"): readonly KernelRule[] {
  if (!all) return [{}];
  return all.filter((block) => block.family === family).map(({ text }) => ({ [name]: text }));
}

function placesOf({ port, fragments }: RuleTerms): readonly Interval[] | undefined {
  if (port === undefined && !fragments) return undefined;
  const { low, high } = fragments ?? { low: 0, high: 3 };
  const ports = port === undefined ? [0, 1] : [port];
  return ports.map((one) => ({ low: (one << 2) | low, high: (one << 2) | high }));
}

/** A protocol with the flags of TCP below it, or with `noFlags`. */
function protocolWords({ protocols, flags }: RuleTerms): readonly Interval[] | undefined {
  return protocols?.flatMap((protocol) => {
    const word = protocol << 9;
    if (!flags) return [{ low: word, high: word + 2 * noFlags - 1 }];
    return flags.map(({ low, high }) => ({ low: word + low, high: word + high }));
  });
}

function transportFields({ icmp, sourcePorts, destinationPorts }: RuleTerms): readonly (readonly KernelRule[])[] {
  if (!icmp) return [field("sourcePort", sourcePorts), field("destinationPort", destinationPorts)];
  const shifted = ({ low, high }: Interval): Interval => ({ low: icmpStart + low, high: icmpStart + high });
  return [field("sourcePort", [shifted(icmp.type)]), field("destinationPort", [shifted(icmp.code)])];
}
