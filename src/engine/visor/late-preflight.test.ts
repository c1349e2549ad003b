/** Devices that the live revision uses already are looked after when the next one has taken over. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { skipWithoutNetwork, testNetwork } from "../../../test/network/network.ts";
import { VisorBench } from "../../../test/network/visor-bench.ts";
import { createVethPair } from "../../kernel/devices.ts";
import { hasFeature, type OffloadFeature, readFeatures, setFeatures } from "../../kernel/ethtool.ts";
import { NetworkNamespace } from "../../kernel/namespaces.ts";
import type { VirtualNetwork } from "../../kernel/virtual-network.ts";
import { parseGraph } from "../graph/parse.ts";
import type { Graph } from "../graph/types.ts";
import type { Model } from "./model.ts";
import type { DataPathRecord } from "./record.ts";
import { deviceOf, functionOf, instance, links, TestGraph } from "./testing.ts";

const options = { skip: skipWithoutNetwork, timeout: 60_000 };

const wire = functionOf(
  "wire",
  `import { fixedPorts, forward, onPacket } from "iovisor/kernel";
export const ports = fixedPorts("left", "right");
export default onPacket((packet) => forward(1 - packet.port));`,
);

const features: readonly OffloadFeature[] = ["txChecksum", "txVlan", "txServiceVlan"];

/** Which of the offloads are on that XDP at the other end does not see. */
function offloadsOf(namespace: NetworkNamespace): readonly string[] {
  const found = readFeatures("eth0", namespace);
  return features.filter((feature) => hasFeature(found, feature));
}

function network(): VirtualNetwork {
  const wires = ["a", "b", "c"].map((host, index) => {
    return [
      { host, device: "eth0" },
      { host: "m", device: `lan${index + 1}` },
    ] as const;
  });
  return testNetwork({ wires });
}

function model(net: VirtualNetwork, right: string): Model {
  return {
    instances: [instance("w", wire, ["left", "right"])],
    devices: ["lan1", right].map((name) => deviceOf(net.host("m"), name, "xdp")),
    links: links("dev:lan1 -> w.left", `w.right -> dev:${right}`),
  };
}

test("a device that is new is prepared before the commit, one that was in use after it", options, async () => {
  using net = network();
  const [a, c] = [net.host("a").namespace, net.host("c").namespace];
  const before = readFeatures("eth0", a).active;
  using graph = new TestGraph();
  await graph.applyModel(model(net, "lan2"));
  assert.deepEqual(await graph.mendDevices(async () => assert.fail("there is nothing to mend")), []);
  setFeatures("eth0", { txChecksum: true, txVlan: true }, a);
  const atCommit: (readonly string[])[] = [];
  const { warnings } = await graph.apply(graph.prepare(model(net, "lan3")), async () => {
    atCommit.push(offloadsOf(c), offloadsOf(a));
  });
  assert.deepEqual(atCommit, [[], ["txChecksum", "txVlan"]]);
  assert.match(warnings.join("\n"), /on eth0, the other end of lan3, until/);
  assert.doesNotMatch(warnings.join("\n"), /lan1/);
  const late = await graph.mendDevices(async () => assert.fail("its remedies were known"));
  assert.equal(late.length, 1);
  assert.match(late[0]!, /^tx off txvlan off tx-vlan-stag-hw-insert off on eth0, the other end of lan1, until/);
  assert.deepEqual(offloadsOf(a), []);
  assert.deepEqual(await graph.mendDevices(async () => assert.fail("nothing is left to mend")), []);
  graph.detachAll();
  assert.deepEqual(readFeatures("eth0", a).active, before);
});

test("what is mended late is recorded first, and put back with the rest", options, async () => {
  using net = network();
  const a = net.host("a").namespace;
  setFeatures("eth0", { txChecksum: false, txVlan: false, txServiceVlan: false, genericReceive: true }, a);
  using graph = new TestGraph();
  await graph.applyModel(model(net, "lan2"));
  const ofA = ({ remedies }: DataPathRecord) => remedies.filter(({ device }) => device === "lan1");
  assert.deepEqual(ofA(graph.record), []);
  setFeatures("eth0", { txVlan: true }, a);
  await graph.applyModel(model(net, "lan2"));
  const recorded: DataPathRecord[] = [];
  await graph.mendDevices(async (record) => {
    assert.deepEqual(offloadsOf(a), ["txVlan"], "a process that ends here leaves nothing that is not recorded");
    recorded.push(record);
  });
  assert.deepEqual(recorded, [graph.record]);
  assert.deepEqual(
    ofA(graph.record).map((remedy) => remedy.features),
    [{ "tx-vlan-hw-insert": true }],
  );
  assert.deepEqual(offloadsOf(a), []);
  await graph.applyModel(model(net, "lan2"));
  graph.revert();
  graph.detachAll();
  assert.deepEqual(offloadsOf(a), ["txVlan"]);
});

test("an apply that is taken back leaves nothing to mend", options, async () => {
  using net = network();
  const a = net.host("a").namespace;
  using graph = new TestGraph();
  await graph.applyModel(model(net, "lan2"));
  await graph.mendDevices(async () => undefined);
  setFeatures("eth0", { txVlan: true }, a);
  await graph.applyModel(model(net, "lan3"));
  graph.revert();
  assert.deepEqual(await graph.mendDevices(async () => undefined), []);
  assert.deepEqual(offloadsOf(net.host("c").namespace), features);
});

class XdpBench extends VisorBench {
  async graphAtXdp(number: number): Promise<Graph> {
    const { netns } = this;
    const device = (name: string) => ({ name, netns, hook: "xdp" });
    return await parseGraph({
      functions: { c1: { kind: "./counter", config: { number } } },
      devices: { lan1: device("lan1"), lan2: device("lan2") },
      links: ["dev:lan1 -> c1.inside", "c1.outside -> dev:lan2"],
    });
  }
}

test("a visor mends devices behind its applies, tells it, and the next process puts it back", options, async () => {
  using bench = new XdpBench();
  const a = bench.net.host("a").namespace;
  setFeatures("eth0", { txChecksum: false, txVlan: false, txServiceVlan: false, genericReceive: true }, a);
  const told: string[] = [];
  await bench.with(
    async (visor) => {
      await visor.apply(await bench.graphAtXdp(1));
      setFeatures("eth0", { txVlan: true }, a);
      const { warnings } = await visor.apply(await bench.graphAtXdp(2));
      assert.deepEqual(warnings, []);
      assert.equal((await visor.plan(await bench.graphAtXdp(3))).warnings.length, 1, "a plan shows all of it");
    },
    { warned: (warning) => told.push(warning) },
  );
  assert.deepEqual(offloadsOf(a), [], "it was done before the visor closed");
  assert.equal(told.length, 1);
  assert.match(told[0]!, /^tx off txvlan off .* on eth0, the other end of lan1, until it is detached/);
  await bench.with((visor) => visor.teardown());
  assert.deepEqual(offloadsOf(a), ["txVlan"]);
});

test("what was changed while nobody was there is put right before the visor opens", options, async () => {
  using bench = new XdpBench();
  const a = bench.net.host("a").namespace;
  await bench.with(async (visor) => void (await visor.apply(await bench.graphAtXdp(1))));
  setFeatures("eth0", { txVlan: true }, a);
  await bench.with(async (visor) => {
    assert.deepEqual(offloadsOf(a), []);
    assert.equal(visor.recovered?.warnings.length, 1);
    await visor.teardown();
  });
  assert.deepEqual(offloadsOf(a), features);
});

test("an end that came out of reach is told of once, in the report or behind it", options, async () => {
  using net = network();
  const m = net.host("m");
  using alone = NetworkNamespace.createUnnamed();
  createVethPair({ name: "lan4", namespace: m.namespace }, { name: "eth0", namespace: alone });
  const lone: Model = {
    ...model(net, "lan4"),
    devices: [deviceOf(m, "lan4", "xdp")],
    links: links("dev:lan4 -> w.left"),
  };
  const child = alone.run(() => spawn("sleep", ["30"]));
  const gone = once(child, "exit");
  const unreachable = /^the other end of lan4 is out of reach: make sure of tx off/;
  {
    using graph = new TestGraph();
    await graph.applyModel(lone);
    child.kill("SIGKILL");
    await gone;
    await graph.applyModel(lone);
    const [first, ...more] = await graph.mendDevices(async () => undefined);
    assert.match(first!, unreachable);
    assert.equal(more.length, 1, "GRO at the other end is told of on its own");
    await graph.applyModel(lone);
    assert.deepEqual(await graph.mendDevices(async () => undefined), []);
  }
  using graph = new TestGraph();
  assert.match((await graph.applyModel(lone)).warnings[0]!, unreachable);
  assert.deepEqual((await graph.applyModel(lone)).warnings, []);
  assert.deepEqual(await graph.mendDevices(async () => undefined), []);
});
