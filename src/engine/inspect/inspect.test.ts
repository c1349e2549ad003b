import assert from "node:assert/strict";
import { test } from "node:test";
import { skipWithoutNetwork, testNetwork } from "../../../test/network/network.ts";
import { buildPacket } from "../../capture/packet.ts";
import type { Prepared } from "../visor/prepare.ts";
import { deviceOf, functionOf, instance, links, TestGraph } from "../visor/testing.ts";
import { Counters } from "./counters.ts";
import { listPipelines } from "./pipelines.ts";

function readCounters(graph: TestGraph, { numbered }: Prepared) {
  const counters = new Counters(graph.dataPath, () => numbered.topology);
  return Object.fromEntries([...numbered.instances].map(([name, one]) => [name, counters.of(one)]));
}

const options = { skip: skipWithoutNetwork, timeout: 60_000 };

const wire = functionOf(
  "wire",
  `import { drop, dropReasons, fixedPorts, forward, onPacket } from "iovisor/kernel";
import { Ethernet } from "iovisor/kernel/headers";
export const ports = fixedPorts("left", "right");
export const reasons = dropReasons({ odd: "its sender is odd" });
export default onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  return (ethernet?.source[5] ?? 0) % 2 > 0 ? drop(reasons.odd) : forward(1 - packet.port);
});`,
);
const ports = ["left", "right"];

function network() {
  const end = (host: string, device: string) =>
    [
      { host, device: "eth0" },
      { host: "m", device },
    ] as const;
  return testNetwork({ wires: [end("a", "lan1"), end("b", "lan2")] });
}

const frameFrom = (source: number) =>
  buildPacket(`eth 02:00:00:00:00:0${source} > 02:00:00:00:00:08 / ip / udp 1 > 2 / payload 18`);

test(
  "counters tell what came in and went out of each port, and what was dropped for which reason",
  options,
  async () => {
    using net = network();
    using graph = new TestGraph();
    const devices = ["lan1", "lan2"].map((name) => deviceOf(net.host("m"), name, "tcx"));
    const prepared = graph.prepare({
      instances: [instance("w1", wire, ports), instance("w2", wire, ports)],
      devices,
      links: links("dev:lan1 -> w1.left", "w1.right -> w2.left", "w2.right -> dev:lan2"),
    });
    await graph.apply(prepared);
    using a = net.host("a").packets("eth0");
    using b = net.host("b").packets("eth0");
    for (const source of [2, 2, 4, 1]) a.send(frameFrom(source));
    for (let count = 0; count < 3; count++) assert.ok(await b.next(1000));
    b.send(frameFrom(6));
    assert.ok(await a.next(1000));
    const counters = readCounters(graph, prepared);
    const size = BigInt(frameFrom(1).length);
    const port = (inPackets: bigint, outPackets: bigint) => {
      return { inPackets, inBytes: inPackets * size, outPackets, outBytes: outPackets * size };
    };
    assert.deepEqual(counters["w1"]!.ports, { left: port(4n, 1n), right: port(1n, 3n) });
    assert.deepEqual(counters["w2"]!.ports, { left: port(3n, 1n), right: port(1n, 3n) });
    assert.deepEqual(
      counters["w1"]!.drops.filter(({ packets }) => packets > 0n),
      [{ reason: "odd", description: "its sender is odd", packets: 1n, bytes: size }],
    );
  },
);

test("pipelines are listed with their functions, cuts and the size of their programs", options, async () => {
  using net = network();
  using graph = new TestGraph();
  const prepared = graph.prepare({
    instances: [instance("w1", wire, ports), instance("w2", wire, ports)],
    devices: [deviceOf(net.host("m"), "lan1", "tcx")],
    links: links("dev:lan1 -> w1.left", "w1.right -> w2.left"),
  });
  await graph.apply(prepared);
  const [first, ...rest] = listPipelines({ prepared, running: graph });
  assert.deepEqual(rest, []);
  assert.deepEqual(first!.functions, ["w1", "w2"]);
  assert.deepEqual(
    prepared.entries.map(({ key }) => key),
    ["dev-lan1-tcx"],
  );
  const { instructions, verifiedInstructions } = first!.program!;
  assert.equal(instructions > 20 && verifiedInstructions > 20, true);
});

test(
  "a packet that goes round in circles is dropped after as many functions as the kernel calls",
  options,
  async () => {
    for (const hook of ["tcx", "xdp"] as const) {
      using net = network();
      using graph = new TestGraph();
      const prepared = graph.prepare({
        instances: ["w1", "w2", "w3"].map((name) => instance(name, circle, ["left", "right", "in"])),
        devices: [deviceOf(net.host("m"), "lan1", hook)],
        links: links("dev:lan1 -> w1.in", "w1.right -> w2.left", "w2.right -> w3.left", "w3.right -> w1.left"),
      });
      await graph.apply(prepared);
      using a = net.host("a").packets("eth0");
      a.send(frameFrom(2));
      await new Promise((resolve) => setTimeout(resolve, 100));
      const counters = readCounters(graph, prepared);
      const dropped = Object.values(counters).flatMap(({ drops }) => drops.filter(({ packets }) => packets > 0n));
      assert.deepEqual(
        dropped.map(({ reason, packets }) => [reason, packets]),
        [["tooManyHops", 1n]],
      );
      const out = Object.values(counters).reduce((sum, { ports }) => sum + ports["right"]!.outPackets, 0n);
      // The entry's call is the first of 33, and each pipeline has all three.
      assert.equal(out, 3n * 33n, hook);
      const [{ cuts } = { cuts: [] }] = listPipelines({ prepared, running: graph });
      assert.deepEqual(
        cuts.find(({ link }) => link === "w3.right -> w1.left"),
        { link: "w3.right -> w1.left", why: "loop" },
      );
      assert.equal(new Set(cuts.map(({ link }) => link)).size, cuts.length);
    }
  },
);

const circle = functionOf(
  "circle",
  `import { fixedPorts, forward, onPacket } from "iovisor/kernel";
export const ports = fixedPorts("left", "right", "in");
export default onPacket(() => forward(ports.right));`,
);
