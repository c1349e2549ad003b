import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { buildPacket } from "../src/capture/packet.ts";
import { load } from "../src/index.ts";
import { udpFrame } from "../test/network/frames.ts";
import { skipWithoutNetwork, testPair } from "../test/network/network.ts";
import { everywhere, tryOut } from "./testing.host.ts";

type EgressPolicer = typeof import("./egress-policer.ts");
const source = new URL("./egress-policer.ts", import.meta.url);
const second = 1_000_000_000n;
/** 1000 bytes on the wire. */
const packet = buildPacket("eth / ip / udp 1 > 2 / payload 958");

for (const place of everywhere) {
  test(`passes the burst and polices the rest (${place.name})`, { skip: place.skip }, async () => {
    using policer = await tryOut<EgressPolicer>(place, source, { bytesPerSecond: 1000n, burst: 10_500 });
    const verdicts = Array.from({ length: 30 }, () => policer.run(packet).verdict);
    assert.deepEqual(verdicts, [...Array(10).fill("pass"), ...Array(20).fill("drop")]);
    const { passedPackets, passedBytes, droppedPackets, droppedBytes } = policer.map("bucket").get(0)!;
    assert.deepEqual([passedPackets, passedBytes, droppedPackets, droppedBytes], [10n, 10_000n, 20n, 20_000n]);
    assert.equal(
      policer.run(buildPacket("eth / ip / udp 1 > 2 / payload 58")).verdict,
      "pass",
      "a small one still fits",
    );
  });
}

test("holds the rate in the long run, whatever the sizes", async () => {
  using policer = await tryOut<EgressPolicer>(everywhere[1]!, source, { bytesPerSecond: 100_000n, burst: 3000 });
  const sizes = [100, 400, 958, 1458].map((size) => buildPacket(`eth / ip / udp 1 > 2 / payload ${size}`));
  let passed = 0;
  const seconds = 10;
  for (let step = 0; step < 10_000; step++) {
    const one = sizes[step % sizes.length]!;
    const at = 1000n * second + (BigInt(step * seconds) * second) / 10_000n;
    if (policer.run(one, at).verdict === "pass") passed += one.length;
  }
  const allowed = 100_000 * seconds + 3000;
  assert.ok(passed <= allowed && passed > allowed - 3000, `${passed} bytes of ${allowed}`);
});

test("polices what a host really sends", { skip: skipWithoutNetwork, timeout: 20_000 }, async () => {
  using network = testPair();
  const [a, b] = [network.host("a"), network.host("b")];
  using receiver = b.packets("eth0");
  using policer = await load<EgressPolicer>(source, { settings: { bytesPerSecond: 1000n, burst: 20_000 } });
  policer.attach("tcx-egress:eth0", { netns: a.namespace });
  using sender = a.packets("eth0");
  // Sockets learn of a drop at egress: send() says false.
  const sent = Array.from({ length: 60 }, () => sender.send(udpFrame({ payload: new Uint8Array(958) })));
  assert.equal(sent.filter((arrived) => arrived).length, 20);
  await sleep(100);
  assert.equal(receiver.drain().length, 20);
  const { passedBytes, droppedPackets } = policer.maps.bucket.get(0)!;
  assert.deepEqual([passedBytes, droppedPackets], [20_000n, 40n]);
});
