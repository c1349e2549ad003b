/** The packet programs that exist in TypeScript and in C, one row each: `<name>/program.ts` and `<name>/program.c`. */
import { RingBuffer } from "../../src/kernel/ringbuf.ts";
import type { Maps } from "../lib/loaded.ts";
import { type BenchProgram, ipv4, mapOf, pack } from "./case.ts";

const ip = "eth / ip 10.0.0.1 > 10.0.0.2";
const ip6 = "eth / ip6 fd00::1 > fd00::2";

function fillBlocklist(maps: Maps): void {
  const blocked = mapOf(maps, "blocked");
  const zero = pack(["u64", 0]);
  for (let block = 0; block < 1000; block++) {
    const address = ipv4("172.16.0.0") + block * 4096;
    blocked.update(pack(["u32", 20], ["be32", address]), zero);
  }
  blocked.update(pack(["u32", 8], ["be32", ipv4("192.0.0.0")]), zero);
  blocked.update(pack(["u32", 32], ["be32", ipv4("192.0.2.7")]), zero);
}

function setBucket(credit: bigint): (maps: Maps) => void {
  return (maps) => {
    const updated = process.hrtime.bigint();
    mapOf(maps, "buckets").update(pack(["be32", ipv4("10.0.0.1")]), pack(["u64", credit], ["u64", updated]));
  };
}

function fillServices(maps: Maps): void {
  for (let index = 0; index < 64; index++) {
    const mac = ["u8", "u8", "u8", "u8", "u8", "u8"] as const;
    const bytes = mac.map((type, at) => [type, at === 5 ? index : 2] as const);
    const backend = pack(["be32", ipv4("10.1.0.0") + index], ...bytes, ["be16", 8080]);
    mapOf(maps, "backends").update(pack(["u32", index]), backend);
  }
  const service = pack(["u32", 8], ["u32", 10]);
  for (const port of [80, 443, 8080]) {
    mapOf(maps, "services").update(pack(["u8", 6], ["u8", 0], ["be16", port]), service);
  }
}

function fillTranslations(maps: Maps): void {
  // The second run meets the packet that the first one rewrote: a translation to itself does the same work.
  for (const [address, port] of [
    ["10.0.0.1", 1234],
    ["198.51.100.1", 50000],
  ] as const) {
    for (const protocol of [6, 17]) {
      const key = pack(["be32", ipv4(address)], ["be16", port], ["u8", protocol], ["u8", 0]);
      const to = pack(["be32", ipv4("198.51.100.1")], ["be16", 50000], ["u16", 0], ["u64", 0]);
      mapOf(maps, "translations").update(key, to);
    }
  }
}

function fillAcl(maps: Maps): void {
  const ranges = Array.from({ length: 16 }, (_, index) => [
    ["u16", index * 1000 + 80] as const,
    ["u16", index * 1000 + 90] as const,
  ]).flat();
  mapOf(maps, "acl").update(pack(["u32", 0]), pack(["u32", 16], ...ranges));
}

function emptyRing(maps: Maps): void {
  using ring = new RingBuffer(mapOf(maps, "events"));
  ring.drain(() => {});
}

export const benchPrograms: readonly BenchProgram[] = [
  {
    name: "parse",
    cases: [
      { name: "tcp", packet: `${ip} / tcp 1234 > 80 syn` },
      { name: "udp over ip6", packet: `${ip6} / udp 1234 > 53 / payload 40` },
      { name: "bad total length", packet: `${ip} length 4000 / udp 1 > 2 / payload 16` },
    ],
    moreFrames: [
      `${ip} / tcp 1 > 2 syn fin`,
      `${ip} options 94040000 / udp 5 > 6 / payload 100`,
      "eth / arp who-has 10.0.0.2 tell 10.0.0.1",
    ],
  },
  {
    name: "closed-port",
    cases: [
      { name: "hit", packet: `${ip} / tcp 1234 > 9999 syn` },
      { name: "other port", packet: `${ip} / tcp 1234 > 80 syn` },
      { name: "udp", packet: `${ip} / udp 1234 > 9999 / payload 40` },
    ],
    moreFrames: [`eth / ip 10.0.0.9 > 10.0.0.2 options 94040000 / tcp 1 > 9999`, `${ip6} / tcp 1 > 9999 syn`],
  },
  {
    name: "protocol-counter",
    cases: [
      { name: "tcp", packet: `${ip} / tcp 1234 > 80 syn` },
      { name: "icmp6", packet: `${ip6} / icmp6 echo-reply id 1 seq 2 / payload 8` },
    ],
    moreFrames: ["eth / arp who-has 10.0.0.2 tell 10.0.0.1"],
  },
  {
    name: "vlan-counter",
    cases: [
      { name: "untagged", packet: `${ip} / udp 1 > 2 / payload 40` },
      { name: "one tag", packet: "eth / vlan 10 priority 3 / ip 10.0.0.1 > 10.0.0.2 / udp 1 > 2 / payload 40" },
      { name: "two tags", packet: "eth / svlan 5 / vlan 6 / ip6 fd00::1 > fd00::2 / udp 1 > 53 / payload 40" },
    ],
    moreFrames: ["eth / vlan 1 / vlan 2 / vlan 3 / ip / udp 1 > 2 / payload 40"],
  },
  {
    name: "cidr-blocklist",
    fill: fillBlocklist,
    cases: [
      { name: "not blocked", packet: `${ip} / tcp 1234 > 80 syn` },
      { name: "blocked", packet: "eth / ip 172.16.77.1 > 10.0.0.2 / tcp 1234 > 80 syn" },
    ],
    moreFrames: ["eth / ip 192.0.2.7 > 10.0.0.2 / tcp 1 > 2", "eth / ip 192.0.2.8 > 10.0.0.2 / tcp 1 > 2"],
  },
  {
    name: "rate-limiter",
    clock: { buckets: [[0, 16]] },
    cases: [
      {
        name: "within",
        packet: `${ip} / udp 1 > 2 / payload 40`,
        prepare: setBucket(1_000_000_000n),
        mostRepeats: 900_000,
      },
      { name: "above", packet: `${ip} / udp 1 > 2 / payload 40`, prepare: setBucket(0n) },
    ],
  },
  {
    name: "balancer",
    fill: fillServices,
    cases: [
      { name: "to a service", packet: `${ip} / tcp 1234 > 80 syn` },
      { name: "other port", packet: `${ip} / tcp 1234 > 81 syn` },
    ],
    moreFrames: [`eth / ip 10.0.0.77 > 10.0.0.2 / tcp 4321 > 443 syn / payload 33`, `${ip} / udp 1 > 80`],
  },
  {
    name: "dns-counter",
    cases: [
      { name: "short name", packet: `${ip} / udp 40000 > 53 / dns a.example type AAAA` },
      { name: "long name", packet: `${ip} / udp 40000 > 53 / dns Some.Longer.Host-Name.of.a.Subdomain.Example.org` },
      { name: "not dns", packet: `${ip} / udp 40000 > 5353 / payload 40` },
    ],
    moreFrames: [
      `${ip} / udp 1 > 53 / dns this-name-is-longer-than-sixty-four-bytes.and-so-it-is-not-counted.example.org`,
      `${ip} / udp 1 > 53 / dns example.org flags 0x8180`,
    ],
  },
  {
    name: "ipv6-extensions",
    cases: [
      { name: "none", packet: `${ip6} / tcp 1 > 2 syn` },
      {
        name: "three",
        packet: `${ip6} / hop-by-hop / dest-opts options 1e0001020000 / fragment more id 7 / tcp 1 > 2 syn`,
      },
      {
        name: "routing 0",
        packet: `${ip6} / routing type 0 left 1 data 00000000fd000000000000000000000000000003 / tcp 1 > 2`,
      },
    ],
    moreFrames: [`${ip6} / ${Array.from({ length: 7 }, () => "dest-opts").join(" / ")} / tcp 1 > 2`],
  },
  {
    name: "port-acl",
    fill: fillAcl,
    cases: [
      { name: "first range", packet: `${ip} / tcp 1234 > 80 syn` },
      { name: "last range", packet: `${ip} / tcp 1234 > 15085 syn` },
      { name: "no range", packet: `${ip} / udp 1234 > 9999 / payload 40` },
    ],
    moreFrames: [`${ip} / icmp echo-request id 1 seq 2 / payload 56`],
  },
  {
    name: "tcp-flags",
    cases: [
      { name: "syn", packet: `${ip} / tcp 1234 > 80 syn` },
      { name: "udp", packet: `${ip} / udp 1234 > 80 / payload 40` },
    ],
    moreFrames: [
      `${ip} / tcp 1 > 2 fin psh urg`,
      `${ip} / tcp 1 > 2 ack psh`,
      `${ip} id 9 frag 1480 proto 6 / payload 40`,
    ],
  },
  {
    name: "syn-sketch",
    cases: [
      { name: "syn", packet: `${ip} / tcp 1234 > 80 syn` },
      { name: "ack", packet: `${ip} / tcp 1234 > 80 ack` },
    ],
    moreFrames: ["eth / ip 203.0.113.9 > 10.0.0.2 / tcp 1 > 2 syn"],
  },
  {
    name: "source-nat",
    fill: fillTranslations,
    cases: [
      { name: "tcp", packet: `${ip} / tcp 1234 > 80 syn` },
      { name: "udp", packet: `${ip} / udp 1234 > 53 / payload 40` },
      { name: "no translation", packet: `${ip} / tcp 99 > 80 syn` },
    ],
    moreFrames: [
      `${ip} / udp 1234 > 53 checksum 0x0000 / payload 40`,
      `${ip} / icmp echo-request id 1 seq 2 / payload 56`,
    ],
  },
  {
    name: "event-on-match",
    cases: [
      // 16 MiB hold 16 + 8 + padding: some 500,000 events.
      { name: "event", packet: `${ip} / tcp 1234 > 22 syn`, prepare: emptyRing, mostRepeats: 400_000 },
      { name: "other port", packet: `${ip} / tcp 1234 > 80 syn` },
    ],
    moreFrames: [`${ip} / tcp 1 > 22 syn ack`],
  },
  {
    name: "flow-counter",
    clock: { flows: [[16, 8]] },
    cases: [
      { name: "known flow", packet: `${ip} / tcp 1234 > 80 ack` },
      { name: "icmp", packet: `${ip} / icmp echo-request id 1 seq 2 / payload 56` },
    ],
    moreFrames: [`${ip} / udp 5 > 6 / payload 9`, "eth / ip 10.0.0.1 > 10.0.0.2 options 94040000 / tcp 7 > 8"],
  },
  {
    name: "reflector",
    cases: [
      { name: "echo", packet: `${ip} / udp 7 > 7 / payload 40` },
      { name: "other port", packet: `${ip} / udp 7 > 9 / payload 40` },
    ],
    moreFrames: [`${ip} / udp 1234 > 7 / payload 5`],
  },
];
