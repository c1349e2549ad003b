import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIpv4 } from "../src/capture/address.ts";
import { buildPacket } from "../src/capture/packet.ts";
import { load } from "../src/index.ts";
import { skipWithoutNetwork, testPair } from "../test/network/network.ts";
import { everywhere, tryOut } from "./testing.host.ts";

type AccessList = typeof import("./access-list.ts");
const source = new URL("./access-list.ts", import.meta.url);
const otherwise = 4096;

interface Rule {
  readonly source?: string;
  readonly destination?: string;
  readonly protocol?: readonly number[];
  readonly port?: string;
  readonly action: "allow" | "deny";
}

const few: readonly Rule[] = [
  { source: "10.0.0.0/8", destination: "192.0.2.1/32", protocol: [6], port: "22", action: "allow" },
  { destination: "192.0.2.1/32", protocol: [6, 17], port: "1-1023", action: "deny" },
  { source: "10.1.0.0/16", action: "deny" },
  { protocol: [1], action: "allow" },
];

for (const place of everywhere) {
  test(`the first rule that matches decides (${place.name})`, { skip: place.skip }, async () => {
    using list = await tryOut<AccessList>(place, source, { rules: few, otherwise: "deny" });
    const cases = [
      ["pass", 0, "ip 10.1.2.3 > 192.0.2.1 / tcp 5 > 22 syn"],
      ["drop", 1, "ip 11.1.2.3 > 192.0.2.1 / tcp 5 > 22 syn"],
      ["drop", 1, "ip 11.1.2.3 > 192.0.2.1 / udp 5 > 1023"],
      ["drop", otherwise, "ip 11.1.2.3 > 192.0.2.1 / udp 5 > 1024"],
      ["drop", 2, "ip 10.1.2.3 > 192.0.2.2 / tcp 5 > 22 syn"],
      ["pass", 3, "ip 10.2.2.3 > 192.0.2.2 / icmp echo-request id 1 seq 1"],
      ["drop", 2, "ip 10.1.2.3 > 192.0.2.1 frag 1480 proto 6 / payload 16"],
    ] as const;
    for (const [verdict, index, text] of cases) {
      const before = list.map("usage").get(index)!.packets;
      assert.equal(list.run(buildPacket(`eth / ${text}`)).verdict, verdict, text);
      assert.equal(list.map("usage").get(index)!.packets, before + 1n, text);
    }
    assert.equal(list.run(buildPacket("eth / ip6 fd00::1 > fd00::2 / tcp 1 > 22 syn")).verdict, "pass");
  });
}

/** The numbers of a linear congruential generator (Numerical Recipes), so that a seed repeats a test. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Every rule names a source or a destination: one that accepts anything would hide all rules behind it. */
function randomRules(count: number, next: (below: number) => number): Rule[] {
  return Array.from({ length: count }, () => {
    const leftOut = next(20);
    return {
      ...(leftOut !== 0 && { source: block(next) }),
      ...(leftOut !== 1 && { destination: block(next) }),
      ...(next(3) > 0 && { protocol: next(2) ? [6] : [6, 17] }),
      ...(next(10) > 0 && { port: ports(next) }),
      action: next(2) ? ("allow" as const) : ("deny" as const),
    };
  });
}

/** Blocks of a small part of the address space, so that some overlap. */
function block(next: (below: number) => number): string {
  const length = [16, 20, 24, 28, 32][next(5)]!;
  return `10.${next(16)}.${next(16)}.${next(256)}/${length}`;
}

function ports(next: (below: number) => number): string {
  const low = next(2000);
  return next(2) ? `${low}` : `${low}-${low + next(200)}`;
}

interface Flow {
  readonly source: string;
  readonly destination: string;
  readonly protocol: number;
  readonly port: number;
}

function covers(cidr: string, address: string): boolean {
  const [base = "", length = "0"] = cidr.split("/");
  const shift = 32n - BigInt(length);
  return parseNumber(base) >> shift === parseNumber(address) >> shift;
}

function parseNumber(address: string): bigint {
  return parseIpv4(address)!.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** What a list means, rule by rule. */
function firstMatch(rules: readonly Rule[], flow: Flow): number {
  return rules.findIndex((rule) => {
    const [low = 0, high = low] = rule.port?.split("-").map(Number) ?? [0, 65535];
    return (
      (rule.source === undefined || covers(rule.source, flow.source)) &&
      (rule.destination === undefined || covers(rule.destination, flow.destination)) &&
      (rule.protocol === undefined || rule.protocol.includes(flow.protocol)) &&
      low <= flow.port &&
      flow.port <= high
    );
  });
}

test("a thousand rules decide as they would one by one", async (t) => {
  const seed = Number(process.env["IOVISOR_SEED"] ?? Date.now() % 2 ** 32);
  t.diagnostic(`seed ${seed} (IOVISOR_SEED)`);
  const next = generator(seed);
  const rules = randomRules(1000, next);
  for (const place of everywhere.filter(({ skip }) => !skip)) {
    using list = await tryOut<AccessList>(place, source, { rules });
    const hits = new Set<number>();
    for (let round = 0; round < 400; round++) {
      const chosen = rules[next(rules.length)]!;
      const flow = {
        source: inside(chosen.source ?? "10.0.0.0/8", next),
        destination: inside(chosen.destination ?? "10.0.0.0/8", next),
        protocol: chosen.protocol?.at(-1) ?? 6,
        port: Number((chosen.port ?? String(next(3000))).split("-").at(-1)),
      };
      const transport = `${flow.protocol === 6 ? "tcp" : "udp"} 1 > ${flow.port}`;
      const text = `eth / ip ${flow.source} > ${flow.destination} / ${transport}`;
      const expected = firstMatch(rules, flow);
      const slot = expected < 0 ? otherwise : expected;
      hits.add(slot);
      const before = list.map("usage").get(slot)!.packets;
      const verdict = rules[expected]?.action === "deny" ? "drop" : "pass";
      assert.equal(list.run(buildPacket(text)).verdict, verdict, `${place.name}: ${text}, rule ${expected}`);
      assert.equal(list.map("usage").get(slot)!.packets, before + 1n, `${place.name}: ${text}, rule ${expected}`);
    }
    assert.ok(hits.size > 100, `${hits.size} rules were hit`);
  }
});

/** An address of a block. */
function inside(cidr: string, next: (below: number) => number): string {
  const [base = "", length = "32"] = cidr.split("/");
  const host = 32n - BigInt(length);
  const address = ((parseNumber(base) >> host) << host) | (BigInt(next(2 ** 32)) & ((1n << host) - 1n));
  return [24n, 16n, 8n, 0n].map((shift) => (address >> shift) & 255n).join(".");
}

/** Each change compiles the list anew; how a thousand rules decide is the other test's. */
const others = 199;

test("guards a host, and follows a change of its rules", { skip: skipWithoutNetwork, timeout: 30_000 }, async () => {
  using network = testPair();
  const [client, server] = [network.host("a"), network.host("b")];
  const listening = await server.listen("192.0.2.2", 8080);
  try {
    const filler = randomRules(others, generator(1)).map((rule) => ({ ...rule, source: rule.source ?? "10.0.0.0/8" }));
    const allow = { source: "192.0.2.1/32", protocol: [6], port: "8080", action: "allow" };
    using list = await load<AccessList>(source, { settings: { rules: [...filler, allow], otherwise: "deny" } });
    list.attach("xdp:eth0", { netns: server.namespace });
    (await client.connect("192.0.2.2", 8080)).destroy();
    list.configure({ rules: filler });
    await assert.rejects(client.connect("192.0.2.2", 8080, 300), { message: /no answer/ });
    list.configure({ rules: [...filler, allow] });
    (await client.connect("192.0.2.2", 8080)).destroy();
    assert.ok(list.maps.usage.get(others)!.packets >= 2n);
    assert.ok(list.maps.usage.get(otherwise)!.packets >= 1n);
  } finally {
    listening.close();
  }
});
