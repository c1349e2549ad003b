import {
  between,
  cidr4,
  cidr6,
  config,
  exact,
  hash,
  list,
  oneOf,
  perCpuArray,
  prefix,
  ringBuffer,
  rule,
  struct,
  type TypeOf,
  u8,
  u16,
  u32,
  u64,
} from "iovisor/kernel";

export const mostRules = 16384;
/** Of every logged packet. */
export const loggedBytes = 128;

export const Usage = struct({ packets: u64, bytes: u64 });

/** By the rule's place in the configuration. */
export const ruleUsage = perCpuArray({ value: Usage, maxEntries: mostRules, title: "packets per rule" });
/** By family: IPv4, IPv6, ARP, everything else. */
export const defaultUsage = perCpuArray({ value: Usage, maxEntries: 4, title: "packets that no rule decided" });

/** The MAC addresses that rules name, numbered from 1 on. */
export const stations = hash({ key: u64, value: u32, maxEntries: 16384, title: "MAC addresses of rules" });

/**
 * What rules see of a packet, beside the addresses. It stands in memory, so that the verifier forgets by which way it
 * came to be, and walks the rules once instead of once for each way.
 */
export const Subject = struct({
  protocol: u32,
  sourcePort: u32,
  destinationPort: u32,
  sourceStation: u16,
  destinationStation: u16,
  vlan: u16,
  etherType: u16,
  offset: u16,
  place: u16,
});
export type Subject = TypeOf<typeof Subject>;
export const subjects = perCpuArray({ value: Subject, maxEntries: 1 });

export const Logged = struct({ rule: u32, port: u32 });
export const log = ringBuffer({ event: Logged, bytes: 1 << 18, packetBytes: loggedBytes });

/** What rules of all families look at. */
const place = {
  place: between(u8),
  stage: between(u16),
  sourceStation: exact(u16),
  destinationStation: exact(u16),
  vlan: exact(u16),
};
const transport = { protocol: between(u32), sourcePort: between(u32), destinationPort: between(u32) };
/** What rules say of the packets that they match. */
const says = { number: u16, next: u16, action: oneOf("accept", "drop", "log", "count") };
/** A rule of the graph becomes one for each combination of what its sets and lists have. */
const mostItems = 262144;
const fallback = oneOf("drop", "accept");

/** All of it follows from the configuration; configuration.ts says how, and what the numbers mean. */
export const settings = config({
  ipv4Rules: list(
    rule({ ...place, source: prefix(cidr4), destination: prefix(cidr4), ...transport, ...says }),
    "rules for IPv4",
    { maxItems: mostItems },
  ),
  ipv6Rules: list(
    rule({ ...place, source: prefix(cidr6), destination: prefix(cidr6), ...transport, ...says }),
    "rules for IPv6",
    { maxItems: mostItems },
  ),
  frameRules: list(rule({ ...place, etherType: exact(u16), ...says }), "rules for ARP and everything else", {
    maxItems: mostItems,
  }),
  namesStations: u8.default(0, "whether rules name MAC addresses"),
  rounds: u8.default(1, "rules that a packet can meet: more than one where rules log or count"),
  ipv4Default: fallback.default("drop"),
  ipv6Default: fallback.default("drop"),
  arpDefault: fallback.default("accept"),
  otherDefault: fallback.default("drop"),
});
