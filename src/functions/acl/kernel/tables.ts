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

const action = oneOf("accept", "drop", "log", "count");
const fallback = oneOf("drop", "accept");

/** All of it follows from the configuration; configuration.ts says how, and what the numbers mean. */
export const settings = config({
  ipv4Rules: list(
    rule({
      place: between(u8),
      stage: between(u16),
      sourceStation: exact(u16),
      destinationStation: exact(u16),
      vlan: exact(u16),
      source: prefix(cidr4),
      destination: prefix(cidr4),
      protocol: between(u32),
      sourcePort: between(u32),
      destinationPort: between(u32),
      number: u16,
      next: u16,
      action,
    }),
    "rules for IPv4",
    { maxItems: 262144 },
  ),
  ipv6Rules: list(
    rule({
      place: between(u8),
      stage: between(u16),
      sourceStation: exact(u16),
      destinationStation: exact(u16),
      vlan: exact(u16),
      source: prefix(cidr6),
      destination: prefix(cidr6),
      protocol: between(u32),
      sourcePort: between(u32),
      destinationPort: between(u32),
      number: u16,
      next: u16,
      action,
    }),
    "rules for IPv6",
    { maxItems: 262144 },
  ),
  frameRules: list(
    rule({
      place: between(u8),
      stage: between(u16),
      sourceStation: exact(u16),
      destinationStation: exact(u16),
      vlan: exact(u16),
      etherType: exact(u16),
      number: u16,
      next: u16,
      action,
    }),
    "rules for ARP and everything else",
    { maxItems: 262144 },
  ),
  namesStations: u8.default(0, "whether rules name MAC addresses"),
  rounds: u8.default(1, "rules that a packet can meet: more than one where rules log or count"),
  ipv4Default: fallback.default("drop"),
  ipv6Default: fallback.default("drop"),
  arpDefault: fallback.default("accept"),
  otherDefault: fallback.default("drop"),
});
