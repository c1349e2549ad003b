import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InstanceView, JsonObject } from "../../engine/host/host-side.ts";
import { addressBits, type Family, formatPrefix, networkOf } from "./addresses.ts";
import { configuredRoutes, routerPorts } from "./configuration.ts";
import { slotBits } from "./family-trie.ts";
import { LiveRoutes } from "./live-routes.ts";
import { Random } from "./random.ts";
import { RouteLookup } from "./route-lookup.ts";
import { routingTable } from "./routes.ts";
import { type Arrays, arraysFor } from "./testing-arrays.ts";

function words(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/** Walks the arrays as kernel code does, in a plainer way: the bytes of the next hop; none without a route. */
function walk(arrays: Arrays, version: number, address: Uint8Array): string | undefined {
  const family = address.length === 4 ? 4 : 6;
  const array = (name: string): Uint32Array => words(arrays[`${name}${family}`]!);
  const [slots, nodes, entries] = [array("slots"), array("nodes"), array("entries")];
  const bits = [...address].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  let entry = slots[2 * Number.parseInt(bits.slice(0, slotBits[family]), 2) + (version & 1)]!;
  for (let from = slotBits[family]; entry >= 0x8000_0000; from += 6) {
    const node = 4 * (entry - 0x8000_0000);
    const value = Number.parseInt(bits.slice(from, Math.min(from + 6, addressBits[family])).padEnd(6, "0"), 2);
    const starts = ((BigInt(nodes[node + 1]!) << 32n) | BigInt(nodes[node]!)) & ((2n << BigInt(value)) - 1n);
    entry = entries[nodes[node + 2]! + [...starts.toString(2)].filter((bit) => bit === "1").length - 1]!;
  }
  const hop = entry === 0 ? words(arrays["defaults"]!)[2 * (family === 4 ? 0 : 1) + (version & 1)]! : entry;
  return hop === 0 ? undefined : Buffer.from(arrays["nextHops"]!.subarray(24 * hop, 24 * hop + 24)).toString("hex");
}

const ports = [1, 2, 3].map((number) => ({
  name: `p${number}`,
  number,
  config: { addresses: [`10.0.${number}.1/24`, `2001:db8:${number}::1/64`] },
  linked: true,
  device: undefined,
}));

function viewOf(routes: readonly JsonObject[], name = "r"): InstanceView {
  return { name, config: { routes }, ports };
}

function randomAddress(random: Random, family: Family): Uint8Array {
  return Uint8Array.from({ length: addressBits[family] / 8 }, () =>
    random.pick([0, 0, 1, 3, 10, 128, 255, random.below(256)]),
  );
}

function randomRoute(random: Random): JsonObject {
  const family = random.pick([4, 6] as const);
  const length = random.chance(3) ? 0 : random.below(addressBits[family] + 1);
  const address = networkOf({ address: randomAddress(random, family), length });
  const prefix = formatPrefix({ address, length });
  if (random.chance(5)) return { prefix, blackhole: true };
  const number = 1 + random.below(3);
  return { prefix, port: `p${number}`, metric: random.below(2) };
}

/** What the arrays say of an address, held against a look-up for each prefix length. */
function same(arrays: Arrays, version: number, reference: RouteLookup, address: Uint8Array): void {
  const expected = reference.find(address)?.hops;
  const found = walk(arrays, version, address);
  const text = `${address.join(".")}: ${found}`;
  if (!expected) {
    assert.equal(found, undefined, text);
    return;
  }
  const [first] = expected;
  const kinds = { connected: 1, gateway: 2, local: 4, broadcast: 5, blackhole: 6, prohibit: 7 } as const;
  const kind = expected.length > 1 ? 3 : kinds[first!.kind];
  assert.equal(Number.parseInt(found?.slice(0, 2) ?? "0", 16), kind, text);
  if (expected.length === 1 && "port" in first!)
    assert.equal(Number.parseInt(found?.slice(2, 4) ?? "0", 16), first.port, text);
}

function referenceOf(view: InstanceView): RouteLookup {
  return new RouteLookup(routingTable(routerPorts(view), configuredRoutes(view)));
}

function addresses(random: Random, routes: readonly JsonObject[], count: number): readonly Uint8Array[] {
  const prefixes = configuredRoutes(viewOf(routes)).map(({ prefix }) => prefix.address);
  return Array.from({ length: count }, () => {
    if (prefixes.length === 0 || random.chance(30)) return randomAddress(random, random.pick([4, 6]));
    const near = random.pick(prefixes).slice();
    near[random.below(near.length)] = random.below(256);
    return near;
  });
}

describe("routes in the arrays of the kernel", () => {
  it("give what a look-up for each prefix length gives", (t) => {
    for (const [seed, count] of [0, 1, 5, 60, 3000].entries()) {
      t.diagnostic(`seed ${seed}`);
      const random = new Random(seed);
      const routes = Array.from({ length: count }, () => randomRoute(random));
      const view = viewOf(routes, `r${seed}`);
      const arrays = arraysFor(view);
      const { word } = new LiveRoutes().stage(view, { arrays, isNew: true })!;
      const reference = referenceOf(view);
      for (const address of addresses(random, routes, 1000)) same(arrays, word, reference, address);
    }
  });

  it("change where packets do not see it, in the same room, as often as one likes", (t) => {
    const random = new Random(7);
    t.diagnostic("seed 7");
    let routes = Array.from({ length: 300 }, () => randomRoute(random));
    const arrays = arraysFor(viewOf(routes));
    const live = new LiveRoutes();
    let { word } = live.stage(viewOf(routes), { arrays, isNew: true })!;
    let reference = referenceOf(viewOf(routes));
    for (let change = 0; change < 120; change++) {
      const at = random.below(routes.length);
      const more = Array.from({ length: random.below(3) }, () => randomRoute(random));
      const next = routes.toSpliced(at, routes.length > 300 ? 3 : random.below(2), ...more);
      const staged = live.stage(viewOf(next), { arrays, isNew: false });
      assert.ok(staged, `change ${change} does not fit`);
      const some = addresses(random, [...routes, ...next], 40);
      for (const address of some) same(arrays, word, reference, address);
      [routes, word, reference] = [next, staged.word, referenceOf(viewOf(next))];
      for (const address of some) same(arrays, word, reference, address);
    }
  });

  it("change in place where routes come and go far apart, and not at all where the order is another", () => {
    const random = new Random(13);
    const routes = Array.from({ length: 3000 }, () => randomRoute(random));
    const arrays = arraysFor(viewOf(routes));
    const live = new LiveRoutes();
    live.stage(viewOf(routes), { arrays, isNew: true });
    assert.equal(live.differs(viewOf(routes.toReversed())), false);
    const next = [...routes.slice(2).toReversed(), { prefix: "10.77.0.0/16", blackhole: true }, routes[0]!];
    const staged = live.stage(viewOf(next), { arrays, isNew: false });
    assert.ok(staged);
    const reference = referenceOf(viewOf(next));
    for (const address of addresses(random, next, 300)) same(arrays, staged.word, reference, address);
  });

  it("stay those that packets go by after new arrays that failed", () => {
    const random = new Random(11);
    const routes = Array.from({ length: 50 }, () => randomRoute(random));
    const arrays = arraysFor(viewOf(routes));
    const live = new LiveRoutes();
    const { word } = live.stage(viewOf(routes), { arrays, isNew: true })!;
    const reference = referenceOf(viewOf(routes));
    live.stage(viewOf(routes), { arrays: arraysFor(viewOf(routes)), isNew: true })!.abort();
    assert.ok(live.stage(viewOf(routes.slice(5)), { arrays, isNew: false }));
    for (const address of addresses(random, routes, 300)) same(arrays, word, reference, address);
  });

  it("are as before after a change that failed", () => {
    const random = new Random(9);
    const routes = Array.from({ length: 50 }, () => randomRoute(random));
    const arrays = arraysFor(viewOf(routes));
    const live = new LiveRoutes();
    const { word } = live.stage(viewOf(routes), { arrays, isNew: true })!;
    const reference = referenceOf(viewOf(routes));
    live.stage(viewOf(routes.slice(5)), { arrays, isNew: false })!.abort();
    for (const address of addresses(random, routes, 300)) {
      same(arrays, word, reference, address);
      assert.equal(live.find(address).length, reference.find(address)?.hops.length ?? 0);
    }
    assert.equal(live.stage(viewOf(routes), { arrays, isNew: false }), undefined);
  });
});
