/** Access lists of mixed rules, in the forms of the graph's function and of nft. */
import type { JsonObject } from "../../src/engine/host/host-side.ts";
import { randomNumbers } from "../lib/statistics.ts";
import { type AccessRule, makeMixedRules } from "../match-rules/rules.ts";
import { frame, stationMac } from "./frames.ts";
import { textOf } from "./routes.ts";

const udp = 17;
const frameCount = 1024;

/**
 * Rules of all kinds of fields that exclude each other, so that their order means nothing and sets can hold them: each
 * has sources of its own.
 */
export function disjointRules(count: number, seed = 1): readonly AccessRule[] {
  const random = randomNumbers(seed);
  const below = (limit: number): number => Math.floor(random() * limit);
  return Array.from({ length: count }, (_, index): AccessRule => {
    const low = below(60_000);
    const width = [0, 0, 100, 5000][below(4)]!;
    const [from, to] = [22 + below(11), 8 + below(25)];
    const host = 2 ** (32 - to);
    return {
      source: { address: 0x0a00_0000 + index * 1024, length: from },
      destination: { address: Math.floor((0x8000_0000 + below(0x3fff_ffff)) / host) * host, length: to },
      protocol: below(4) === 0 ? 6 : udp,
      low,
      high: low + width,
      deny: below(4) === 0,
    };
  });
}

/** ClassBench-like lists, which overlap. */
export const mixedRules = makeMixedRules;

/** Frames of UDP that the list lets through, each for a rule drawn at random. */
export function acceptedFrames(rules: readonly AccessRule[]): readonly Uint8Array[] {
  const random = randomNumbers(11);
  const candidates = rules.filter(({ deny, protocol }) => !deny && protocol !== 6);
  const frames: Uint8Array[] = [];
  for (let tries = 0; frames.length < frameCount; tries++) {
    if (tries > 100 * frameCount) throw new Error("the rules accept too little");
    const { source, destination, low, high } = candidates[Math.floor(random() * candidates.length)]!;
    const within = (block: AccessRule["source"]): number =>
      block.address + Math.floor(random() * 2 ** (32 - block.length));
    const [from, to] = [within(source), within(destination)];
    const port = low + Math.floor(random() * (high - low + 1));
    const first = rules.find((rule) => covers(rule, from, to, port));
    if (!first || first.deny) continue;
    const macs = [stationMac(1, 1), stationMac(2, 1)] as const;
    frames.push(frame({ macs, addresses: [textOf(from), textOf(to)], ports: [1234, port] }));
  }
  return frames;
}

function covers(rule: AccessRule, from: number, to: number, port: number): boolean {
  const inside = ({ address, length }: AccessRule["source"], value: number): boolean => {
    const host = 2 ** (32 - length);
    return Math.floor(value / host) === Math.floor(address / host);
  };
  const fits = rule.protocol === undefined || rule.protocol === udp;
  return fits && rule.low <= port && port <= rule.high && inside(rule.source, from) && inside(rule.destination, to);
}

const blockText = ({ address, length }: AccessRule["source"]): string => `${textOf(address)}/${length}`;
const portText = ({ low, high }: AccessRule): string => (low === high ? `${low}` : `${low}-${high}`);
const protocolName = (protocol: number): string => (protocol === udp ? "udp" : "tcp");

/** The configuration of the function. */
export function asConfig(rules: readonly AccessRule[]): JsonObject {
  return {
    defaults: { ipv4: "drop" },
    rules: rules.map((rule) => ({
      action: rule.deny ? "drop" : "accept",
      source: blockText(rule.source),
      destination: blockText(rule.destination),
      protocol: rule.protocol === undefined ? ["tcp", "udp"] : protocolName(rule.protocol),
      destinationPort: portText(rule),
    })),
  };
}

const verdictOf = ({ deny }: AccessRule): string => (deny ? "drop" : "accept");

/** A chain of rules, one after the other. */
export function asChain(rules: readonly AccessRule[]): string {
  const lines = rules.map((rule) => {
    const protocol = rule.protocol === undefined ? "{ tcp, udp }" : protocolName(rule.protocol);
    const addresses = `ip saddr ${blockText(rule.source)} ip daddr ${blockText(rule.destination)}`;
    return `${addresses} meta l4proto ${protocol} th dport ${portText(rule)} ${verdictOf(rule)}`;
  });
  return table(`chain forward { type filter hook forward priority 0; policy drop;\n${lines.join("\n")}\n}`);
}

/** One look-up in a map of verdicts over all fields, with intervals: for lists of rules that exclude each other. */
export function asMap(rules: readonly AccessRule[]): string {
  const elements = rules.map((rule) => {
    const key = [blockText(rule.source), blockText(rule.destination), protocolName(rule.protocol!), portText(rule)];
    return `${key.join(" . ")} : ${verdictOf(rule)}`;
  });
  const type = "type ipv4_addr . ipv4_addr . inet_proto . inet_service : verdict; flags interval;";
  const map = `map rules { ${type}\nelements = { ${elements.join(",\n")} } ; }`;
  const key = "ip saddr . ip daddr . meta l4proto . th dport";
  return table(`${map}\nchain forward { type filter hook forward priority 0; policy drop;\n${key} vmap @rules;\n}`);
}

function table(content: string): string {
  return `table bridge filter {\n${content}\n}\n`;
}
