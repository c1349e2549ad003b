import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { buildPacket } from "../src/capture/packet.ts";
import { load } from "../src/index.ts";
import { setFeatures } from "../src/kernel/ethtool.ts";
import { udpFrame } from "../test/network/frames.ts";
import { skipWithoutNetwork, testPair } from "../test/network/network.ts";
import { everywhere, total, tryOut } from "./testing.host.ts";

type VlanCounter = typeof import("./vlan-counter.ts");
const source = new URL("./vlan-counter.ts", import.meta.url);

/** Packets and bytes by "outer.inner". */
function summary(
  entries: Iterable<
    readonly [{ outer: number; inner: number }, readonly { readonly packets: bigint; readonly bytes: bigint }[]]
  >,
) {
  return Object.fromEntries(
    [...entries].map(([vlan, values]) => [
      `${vlan.outer}.${vlan.inner}`,
      [total(values, "packets"), total(values, "bytes")],
    ]),
  );
}

for (const place of everywhere) {
  test(`counts by the tags in the frame (${place.name})`, { skip: place.skip }, async () => {
    using counter = await tryOut<VlanCounter>(place, source);
    const packets = [
      "eth / ip / udp 1 > 2 / payload 10",
      "eth / vlan 10 priority 3 drop-eligible / ip / udp 1 > 2",
      "eth / vlan 10 / ip6 / udp 1 > 2",
      "eth / svlan 5 / vlan 6 / ip / udp 1 > 2",
      "eth / vlan 4095 / ip / udp 1 > 2",
      "eth / arp who-has 10.0.0.2 tell 10.0.0.1",
    ].map(buildPacket);
    for (const packet of packets) assert.equal(counter.run(packet).verdict, "pass");
    const size = (...indexes: number[]) => indexes.reduce((sum, index) => sum + BigInt(packets[index]!.length), 0n);
    assert.deepEqual(summary(counter.map("vlans").entries()), {
      "0.0": [2n, size(0, 5)],
      "10.0": [2n, size(1, 2)],
      "5.6": [1n, size(3)],
      "4095.0": [1n, size(4)],
    });
  });
}

/** Sends two frames of VLAN 42, one with a second tag, and one without a tag from one host to another. */
async function countReal(hook: "xdp" | "tcx-ingress") {
  using network = testPair();
  const [a, b] = [network.host("a"), network.host("b")];
  // On veth, a tag that travels beside the frame is invisible to XDP: the sender must put it in.
  if (hook === "xdp") setFeatures("eth0", { txVlan: false }, a.namespace);
  using counter = await load<VlanCounter>(source);
  counter.attach(`${hook}:eth0`, { netns: b.namespace });
  using sender = a.packets("eth0");
  for (const vlans of [[42], [42, 7], []]) sender.send(udpFrame({ vlans, payload: "x".repeat(60) }));
  await sleep(100);
  return Object.fromEntries(Object.entries(summary(counter.maps.vlans)).map(([vlan, [packets]]) => [vlan, packets]));
}

for (const hook of ["xdp", "tcx-ingress"] as const) {
  test(
    `counts real frames alike wherever the tag is, at ${hook}`,
    { skip: skipWithoutNetwork, timeout: 20_000 },
    async () => assert.deepEqual(await countReal(hook), { "42.0": 1n, "42.7": 1n, "0.0": 1n }),
  );
}
