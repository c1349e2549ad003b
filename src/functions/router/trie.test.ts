import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { addressBits, type Family, networkOf } from "./addresses.ts";
import { Random } from "./random.ts";
import { RouteLookup } from "./route-lookup.ts";
import type { Route } from "./routes.ts";
import { buildTrie, slotBits, type Trie } from "./trie.ts";

/** Walks a trie as kernel code does, in a plainer way. */
function walk(family: Family, trie: Trie, address: Uint8Array): number {
  const bits = [...address].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  let entry = trie.slots[Number.parseInt(bits.slice(0, slotBits[family]), 2)]!;
  for (let from = slotBits[family]; entry >= 0x8000_0000; from += 6) {
    const node = entry - 0x8000_0000;
    const value = Number.parseInt(bits.slice(from, Math.min(from + 6, addressBits[family])).padEnd(6, "0"), 2);
    const [low = 0, high = 0, base = 0] = trie.nodes.subarray(4 * node);
    const starts = ((BigInt(high) << 32n) | BigInt(low)) & ((2n << BigInt(value)) - 1n);
    entry = trie.entries[base + [...starts.toString(2)].filter((bit) => bit === "1").length - 1]!;
  }
  return entry === 0 ? trie.usual : entry;
}

function randomRoutes(random: Random, family: Family, count: number): readonly Route[] {
  const size = addressBits[family] / 8;
  const routes = new Map<string, Route>();
  for (let index = 0; index < count; index++) {
    const length = random.below(size * 8 + 1);
    const address = Uint8Array.from({ length: size }, () => random.pick([0, 0, 1, 3, 128, 255, random.below(256)]));
    const prefix = { address: networkOf({ address, length }), length };
    const hop = { kind: "connected", port: index + 1 } as const;
    routes.set(`${prefix.address} ${length}`, { prefix, origin: "static", metric: 0, hops: [hop] });
  }
  return [...routes.values()];
}

for (const family of [4, 6] as const) {
  describe(`a trie of IPv${family}`, () => {
    it("gives what a look-up for each prefix length gives", (t) => {
      for (const [seed, count] of [0, 1, 5, 60, 3000].entries()) {
        t.diagnostic(`seed ${seed}`);
        const random = new Random(seed);
        const routes = randomRoutes(random, family, count);
        const number = ({ hops: [hop] }: Route): number => (hop && "port" in hop ? hop.port : 0);
        const trie = buildTrie(
          family,
          routes.map((route) => ({ prefix: route.prefix, hop: number(route) })),
        );
        const reference = new RouteLookup(routes);
        for (let index = 0; index < 500; index++) {
          const near = count > 0 && random.chance(70) ? random.pick(routes).prefix.address : undefined;
          const address = near?.slice() ?? new Uint8Array(addressBits[family] / 8);
          address[random.below(address.length)] = random.below(256);
          const found = reference.find(address);
          assert.equal(walk(family, trie, address), found ? number(found) : 0, String(address));
        }
      }
    });
  });
}
