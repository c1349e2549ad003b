import assert from "node:assert/strict";
import { test } from "node:test";
import { skipWithoutNetwork, testNetwork } from "../../../test/network/network.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import type { Model, ModelDevice } from "./model.ts";
import { mtusOfPorts, sizeDomainsOf } from "./packet-sizes.ts";
import { deviceOf, functionOf, instance, links, TestGraph } from "./testing.ts";

const text = `import { dynamicPorts, forward, onPacket } from "iovisor/kernel";
export const ports = dynamicPorts({ maximum: 4 });
export default onPacket((packet) => forward(packet.port));`;
const wire = functionOf("wire", text);
/** Takes what the graph says of a port for its MTU, else what the engine found. */
const router = functionOf("router", text, {
  mtus: ({ ports }) => Object.fromEntries(ports.map(({ name, config, mtu }) => [name, Number(config["mtu"] ?? mtu)])),
});

function device(alias: string, mtu: number): ModelDevice {
  return {
    ...{ alias, name: alias, netns: undefined, hook: "tcx" as const },
    found: mtu === 0 ? undefined : { name: alias, ifindex: 1, mac: undefined, mtu },
  };
}

const joined: Model = {
  instances: [
    instance("s", wire, ["a", "b", "up"]),
    instance("f", wire, ["in", "out"]),
    instance("r", router, ["lan", "wan"]),
  ],
  devices: [device("a", 9000), device("b", 1500), device("c", 1492), device("gone", 0)],
  links: links("dev:a -> s.a", "dev:b -> s.b", "s.up -> f.in", "f.out -> r.lan", "r.wan -> dev:c"),
};

test("packets are as large on both sides of a function, but for one that keeps senders to a size", () => {
  const domains = sizeDomainsOf(joined).map(({ outer, ports, through }) => ({
    devices: outer.map(({ device: { alias } }) => alias),
    ports: ports.map(({ instance: name, port }) => `${name}.${port}`),
    through,
  }));
  assert.deepEqual(domains, [
    { devices: ["a", "b"], ports: ["r.lan"], through: ["s", "f"] },
    { devices: ["c"], ports: ["r.wan"], through: [] },
  ]);
});

test("a port has the least MTU of the devices behind it; those that are not there say nothing", () => {
  assert.deepEqual(
    [...mtusOfPorts(joined)],
    [
      ["r.lan", 1500],
      ["r.wan", 1492],
    ],
  );
  assert.deepEqual([...mtusOfPorts({ ...joined, links: links("dev:gone -> r.lan") })], []);
  assert.deepEqual([...mtusOfPorts({ ...joined, links: links("host:a -> r.lan") })], [["r.lan", 9000]]);
  const both = links("host:a -> s.a", "dev:b -> s.b", "s.up -> r.lan");
  assert.deepEqual([...mtusOfPorts({ ...joined, links: both })], [["r.lan", 1500]]);
});

const options = { skip: skipWithoutNetwork, timeout: 60_000 };

function network(mtus: readonly (readonly [peer: number, own: number])[]) {
  return testNetwork({
    wires: mtus.map(([peer, own], index) => [
      { host: `h${index}`, device: "eth0", mtu: peer },
      { host: "m", device: `lan${index}`, mtu: own },
    ]),
  });
}

function warningsOf(graph: TestGraph, model: Model): readonly string[] {
  return graph.warnings(graph.prepare(model)).filter((one) => one.includes("MTU") || one.includes("bytes"));
}

test("joined devices of different MTUs are told, with those that a router separates left out", options, async () => {
  using net = network([
    [1500, 1500],
    [9000, 9000],
    [1400, 1400],
  ]);
  using graph = new TestGraph();
  const model = (mtu?: number): Model => {
    const r = instance("r", router, ["lan", "wan"]);
    const ports = r.ports.map((port) => (port.name === "wan" && mtu ? { ...port, config: { mtu } } : port));
    return {
      instances: [instance("s", wire, ["a", "b", "up"]), { ...r, ports }],
      devices: [0, 1, 2].map((number) => deviceOf(net.host("m"), `lan${number}`, "tcx")),
      links: links("dev:lan0 -> s.a", "dev:lan1 -> s.b", "s.up -> r.lan", "r.wan -> dev:lan2"),
    };
  };
  const unlike =
    "s joins devices of different MTUs (lan1 9000, lan0 1500): larger packets than 1500 bytes are dropped where they " +
    "do not fit; give the devices one MTU (`ip link set dev NAME mtu 1500`), or put a router between them";
  assert.deepEqual(warningsOf(graph, model()), [unlike]);
  const tooLarge =
    "r.wan sends packets of up to 1500 bytes, and lan2 takes 1400: larger ones are dropped, and their senders are " +
    `not told; set the port's "mtu" to 1400, or leave it out`;
  assert.deepEqual(warningsOf(graph, model(1500)), [unlike, tooLarge]);
  const { warnings } = await graph.applyModel(model(1500));
  assert.deepEqual(warnings, [unlike, tooLarge]);
});

test("what the other end of a veth may have at XDP is told before the kernel refuses more", options, async () => {
  using net = network([
    [3506, 1500],
    [3507, 1500],
  ]);
  const model = (number: number, hook: PipelineHook): Model => ({
    instances: [instance("s", wire, ["a"])],
    devices: [deviceOf(net.host("m"), `lan${number}`, hook)],
    links: links(`dev:lan${number} -> s.a`),
  });
  using graph = new TestGraph();
  assert.deepEqual(warningsOf(graph, model(0, "xdp")), []);
  await graph.applyModel(model(0, "xdp"));
  assert.deepEqual(warningsOf(graph, model(1, "xdp")), [
    "eth0, the other end of lan1, has an MTU of 3507, and frames at XDP fit a page: lan1 takes no program with more " +
      'than 3506; lower it (`ip link set dev eth0 mtu 3506`), or give dev:lan1 the hook "tcx"',
  ]);
  await assert.rejects(graph.applyModel(model(1, "xdp")), { code: "E_USAGE", message: /MTU/ });
  assert.deepEqual(warningsOf(graph, model(1, "tcx")), []);
  await graph.applyModel(model(1, "tcx"));
});
