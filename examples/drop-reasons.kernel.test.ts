import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { load } from "../src/index.ts";
import { tracepointFormat } from "../src/kernel/tracefs.ts";
import { skipWithoutNetwork, testPair, type VirtualHost } from "../test/network/network.ts";

type DropReasons = typeof import("./drop-reasons.ts");
const source = new URL("./drop-reasons.ts", import.meta.url);

/** The kernel's names of the reasons, from the tracepoint's description. */
function reasonName(reason: number): string | undefined {
  const format = tracepointFormat("skb", "kfree_skb");
  return new RegExp(`\\{ ${reason}, "(?:SKB_DROP_REASON_)?(\\w+)" \\}`).exec(format)?.[1];
}

function droppedBy(host: VirtualHost): number {
  const [link] = JSON.parse(host.exec("ip", ["-j", "-s", "link", "show", "eth0"])) as [
    { readonly stats64: { readonly rx: { readonly dropped: number } } },
  ];
  return link.stats64.rx.dropped;
}

test("counts each of N dropped packets, with its reason", { skip: skipWithoutNetwork, timeout: 20_000 }, async () => {
  using network = testPair();
  using sender = network.host("a").packets("eth0");
  // An EtherType for experiments, which nothing listens to (IEEE 802).
  const protocol = 0x88b5;
  const frame = new Uint8Array(60);
  frame.set([2, 0, 0, 0, 1, 2, 2, 0, 0, 0, 1, 1, protocol >> 8, protocol & 0xff]);
  const marked = 300;
  using drops = await load<DropReasons>(source, { settings: { protocol } });
  const [attachment] = drops.attachTracepoints();
  const before = droppedBy(network.host("b"));
  for (let count = 0; count < marked; count++) sender.send(frame);
  await sleep(100);
  attachment!.detach();
  assert.equal(droppedBy(network.host("b")) - before, marked, "the device's own counter");
  const entries = [...drops.maps.drops];
  assert.equal(entries.length, 1);
  const [key, count] = entries[0]!;
  assert.equal(count, BigInt(marked));
  assert.equal(key.protocol, protocol);
  assert.equal(reasonName(key.reason), "UNHANDLED_PROTO");
});
