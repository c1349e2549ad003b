import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { buildPacket } from "../src/capture/packet.ts";
import { load } from "../src/index.ts";
import { udpFrame } from "../test/network/frames.ts";
import { skipWithoutNetwork, testPair } from "../test/network/network.ts";
import { everywhere, tryOut } from "./testing.host.ts";

type SourceLimiter = typeof import("./source-limiter.ts");
const source = new URL("./source-limiter.ts", import.meta.url);
const from = (address: string) => buildPacket(`eth / ip ${address} > 10.0.0.2 / udp 1 > 2`);
const second = 1_000_000_000n;

for (const place of everywhere) {
  test(`lets a burst of each source through, and no more (${place.name})`, { skip: place.skip }, async () => {
    using limiter = await tryOut<SourceLimiter>(place, source, { packetsPerSecond: 1, burst: 5 });
    const passed = (address: string) =>
      Array.from({ length: 20 }, () => limiter.run(from(address)).verdict).filter((one) => one === "pass").length;
    assert.equal(passed("10.0.0.1"), 5);
    assert.equal(passed("10.0.0.3"), 5);
    const { passed: counted, dropped } = limiter.map("sources").get(0x0a00_0001)!;
    assert.deepEqual([counted, dropped], [5n, 15n]);
    assert.equal(limiter.run(buildPacket("eth / ip6 fd00::1 > fd00::2 / udp 1 > 2")).verdict, "pass");
  });

  test(`drops blocked networks before anything else (${place.name})`, { skip: place.skip }, async () => {
    const blocked = ["203.0.113.0/24", "198.51.100.7/32", "10.128.0.0/9"];
    using limiter = await tryOut<SourceLimiter>(place, source, { blocked });
    const cases = [
      ["203.0.113.255", "drop"],
      ["203.0.114.0", "pass"],
      ["198.51.100.7", "drop"],
      ["198.51.100.6", "pass"],
      ["10.200.1.1", "drop"],
      ["10.127.255.255", "pass"],
    ] as const;
    for (const [address, verdict] of cases) assert.equal(limiter.run(from(address)).verdict, verdict, address);
    assert.equal(limiter.map("refused").entries().length, 3);
    assert.equal(limiter.map("sources").entries().length, 3);
  });
}

test("fills the bucket up again with time, up to the burst", async () => {
  using limiter = await tryOut<SourceLimiter>(everywhere[0]!, source, { packetsPerSecond: 10, burst: 3 });
  const passed = (at: bigint) =>
    Array.from({ length: 10 }, () => limiter.run(from("10.0.0.1"), at).verdict).filter((one) => one === "pass").length;
  assert.equal(passed(1000n * second), 3);
  assert.equal(passed(1000n * second + second / 10n), 1);
  assert.equal(passed(1000n * second + second / 10n + second / 5n), 2);
  assert.equal(passed(2000n * second), 3);
});

test("gives networks rates of their own while it runs", async () => {
  using limiter = await tryOut<SourceLimiter>(everywhere[0]!, source, { packetsPerSecond: 1, burst: 1 });
  limiter.map("rates").set({ prefixLength: 8, address: 0x0a00_0000 }, 10);
  limiter.map("rates").set({ prefixLength: 24, address: 0x0a00_0100 }, 1000);
  const passedInSecond = (address: string) => {
    let passed = 0;
    for (let step = 0n; step < 2000n; step++) {
      if (limiter.run(from(address), 1000n * second + (step * second) / 2000n).verdict === "pass") passed += 1;
    }
    return passed;
  };
  assert.deepEqual(["192.0.2.1", "10.0.0.1", "10.0.1.1"].map(passedInSecond), [1, 10, 1000]);
});

test("limits real traffic", { skip: skipWithoutNetwork, timeout: 20_000 }, async () => {
  using network = testPair();
  using sender = network.host("a").packets("eth0");
  using receiver = network.host("b").packets("eth0");
  using limiter = await load<SourceLimiter>(source, { settings: { packetsPerSecond: 1, burst: 7 } });
  limiter.attach("xdp:eth0", { netns: network.host("b").namespace });
  for (let count = 0; count < 50; count++) sender.send(udpFrame({ payload: String(count) }));
  await sleep(100);
  assert.equal(receiver.drain().length, 7);
  const state = limiter.maps.sources.get(0xc000_0201);
  assert.deepEqual([state?.passed, state?.dropped], [7n, 43n]);
});
