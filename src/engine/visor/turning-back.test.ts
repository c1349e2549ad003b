/** Pipelines for packets that turn back are there where a function may turn them back, and from that commit on. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { skipWithoutNetwork, testNetwork } from "../../../test/network/network.ts";
import { buildPacket } from "../../capture/packet.ts";
import { PacketSocket } from "../../kernel/packet-socket.ts";
import type { VirtualNetwork } from "../../kernel/virtual-network.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import type { Model } from "./model.ts";
import { deviceOf, functionOf, instance, links, TestGraph } from "./testing.ts";

const options = { skip: skipWithoutNetwork, timeout: 60_000 };

/** Passes packets on, or back to where they came from. */
const mirror = functionOf(
  "mirror",
  `import { bool, config, drop, dropReasons, fixedPorts, forward, onPacket } from "iovisor/kernel";
import { Ethernet } from "iovisor/kernel/headers";
export const ports = fixedPorts("left", "right");
export const reasons = dropReasons({ tooShort: "the frame ends within its header" });
export const settings = config({ back: bool.default(false, "whether packets go back") });
export default onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (!ethernet) return drop(reasons.tooShort);
  ethernet.source[5] = (ethernet.source[5] + 1) & 255;
  return forward(settings.back ? packet.port : 1 - packet.port);
});`,
);

function model(net: VirtualNetwork, hook: PipelineHook, back: boolean): Model {
  const names = ["one", "two", "three", "four"];
  return {
    instances: names.map((name) => instance(name, mirror, ["left", "right"], { back: back && name === "four" })),
    devices: ["lan1", "lan2"].map((name) => deviceOf(net.host("m"), name, hook)),
    links: links(
      ...["dev:lan1 -> one.left", "one.right -> two.left", "two.right -> three.left", "three.right -> four.left"],
      "four.right -> dev:lan2",
    ),
  };
}

/** Where a frame from a comes out, and how many functions it passed. */
async function probe(net: VirtualNetwork): Promise<string> {
  const [a, b] = ["a", "b"].map((host) => new PacketSocket("eth0", net.host(host).namespace));
  try {
    a!.send(
      buildPacket("eth 02:00:00:00:00:00 > 02:00:00:00:00:10 / ip 192.0.2.1 > 192.0.2.2 / udp 1 > 2 / payload 18"),
    );
    const [back, on] = await Promise.all([a!.next(200), b!.next(200)]);
    return `${back ? "back" : ""}${on ? "on" : ""} ${(back ?? on)?.data[11]}`;
  } finally {
    for (const socket of [a!, b!]) socket[Symbol.dispose]();
  }
}

for (const hook of ["tcx", "xdp"] as const) {
  test(
    `an edit that turns packets back brings pipelines for them, its reverse takes them away (${hook})`,
    options,
    async () => {
      using net = testNetwork({
        wires: ["a", "b"].map((host, index) => [
          { host, device: "eth0" },
          { host: "m", device: `lan${index + 1}` },
        ]),
      });
      using graph = new TestGraph();
      const slots = graph.dataPath.slots(hook);
      const inUse = (): readonly number[] =>
        [0, 1].map(
          (parity) => Array.from({ length: 8 }, (_, slot) => slots.programId(slot, parity)).filter(Boolean).length,
        );
      const passing = [`${hook}:four`, `${hook}:one`];
      await graph.applyModel(model(net, hook, false));
      graph.settle();
      assert.deepEqual(Object.keys(graph.record.pipelines).sort(), passing);
      assert.deepEqual(inUse(), [2, 2]);
      assert.equal(await probe(net), "on 4");
      const turning = graph.prepare(model(net, hook, true));
      const loaded = graph.actions(turning).flatMap((action) => (action.kind === "load" ? action.pipeline : []));
      assert.deepEqual(loaded.sort(), [...passing, `${hook}:three`, `${hook}:two`].sort());
      await graph.apply(turning);
      assert.equal(await probe(net), "back 7", "also before the revision of before is cleared away");
      graph.settle();
      assert.equal(await probe(net), "back 7");
      assert.deepEqual(inUse(), [4, 4]);
      await graph.applyModel(model(net, hook, false));
      assert.equal(await probe(net), "on 4");
      graph.settle();
      assert.deepEqual(inUse(), [2, 2]);
      assert.equal(await probe(net), "on 4");
      assert.deepEqual(Object.keys(graph.record.pipelines).sort(), passing);
    },
  );
}
