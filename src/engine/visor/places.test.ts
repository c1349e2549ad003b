/** What is new takes places that others had: in the array of slots, and in the table of entries. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { skipWithoutNetwork, testNetwork } from "../../../test/network/network.ts";
import type { VirtualNetwork } from "../../kernel/virtual-network.ts";
import type { Model } from "./model.ts";
import { deviceOf, functionOf, instance, links, TestGraph } from "./testing.ts";

const options = { skip: skipWithoutNetwork, timeout: 60_000 };

const wire = functionOf(
  "wire",
  `import { fixedPorts, forward, onPacket } from "iovisor/kernel";
export const ports = fixedPorts("left", "right");
export default onPacket((packet) => forward(1 - packet.port));`,
);

function network(): VirtualNetwork {
  const wires = ["a", "b", "c"].map(
    (host, index) =>
      [
        { host, device: "eth0", addresses: [`192.0.2.${index + 1}/24`] },
        { host: "m", device: `lan${index + 1}` },
      ] as const,
  );
  return testNetwork({ wires, resolveNeighbours: true });
}

/** Two devices with one function between them. */
function model(net: VirtualNetwork, name: string, left: string): Model {
  return {
    instances: [instance(name, wire, ["left", "right"])],
    devices: [left, "lan2"].map((device) => deviceOf(net.host("m"), device, "tcx")),
    links: links(`dev:${left} -> ${name}.left`, `${name}.right -> dev:lan2`),
  };
}

function ping(net: VirtualNetwork, from: string): void {
  net.host(from).exec("ping", ["-c", "1", "-W", "1", "192.0.2.2"]);
}

test(
  "an instance that takes the place of another is at work, also when that one is cleared away",
  options,
  async () => {
    using net = network();
    using graph = new TestGraph();
    await graph.applyModel(model(net, "first", "lan1"));
    graph.settle();
    await graph.applyModel(model(net, "second", "lan1"));
    assert.deepEqual(Object.keys(graph.record.pipelines), ["tcx:second"]);
    ping(net, "a");
    graph.settle();
    ping(net, "a");
  },
);

test("a device that takes the place of another leaves that one alone until the commit", options, async () => {
  using net = network();
  using graph = new TestGraph();
  await graph.applyModel(model(net, "wire", "lan1"));
  graph.settle();
  const next = graph.prepare(model(net, "wire", "lan3"));
  const failing = graph.apply(next, async () => {
    ping(net, "a");
    throw new Error("the store is full");
  });
  await assert.rejects(failing, /the store is full/);
  ping(net, "a");
  await graph.apply(next);
  ping(net, "c");
  graph.settle();
  ping(net, "c");
});
