import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { skipWithoutNetwork, testNetwork, testPair, type VirtualNetwork } from "../../../test/network/network.ts";
import { createVethPair, findDevice } from "../../kernel/devices.ts";
import { hasFeature, type OffloadFeature, readFeatures, readQueues, setFeatures } from "../../kernel/ethtool.ts";
import { NetworkNamespace } from "../../kernel/namespaces.ts";
import { NamespaceIds } from "../../kernel/netlink/namespace-ids.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import type { Model } from "./model.ts";
import { deviceOf, functionOf, instance, links, TestGraph } from "./testing.ts";

const options = { skip: skipWithoutNetwork, timeout: 60_000 };

const wire = functionOf(
  "wire",
  `import { fixedPorts, forward, onPacket } from "iovisor/kernel";
export const ports = fixedPorts("left", "right");
export default onPacket((packet) => forward(1 - packet.port));`,
);

function network(more: { readonly queues?: number; readonly mtu?: number } = {}): VirtualNetwork {
  const end = (host: string, device: string, number: number) =>
    [
      {
        ...{ host, device: "eth0", addresses: [`192.0.2.${number}/24`] },
        ...(more.queues === undefined ? {} : { txQueues: more.queues, rxQueues: more.queues }),
        ...(more.mtu === undefined ? {} : { mtu: more.mtu }),
      },
      {
        ...{ host: "m", device },
        ...(more.queues === undefined ? {} : { txQueues: more.queues, rxQueues: more.queues }),
      },
    ] as const;
  return testNetwork({ wires: [end("a", "lan1", 1), end("b", "lan2", 2)], resolveNeighbours: true });
}

function model(net: VirtualNetwork, hook: PipelineHook): Model {
  return {
    instances: [instance("w", wire, ["left", "right"])],
    devices: ["lan1", "lan2"].map((name) => deviceOf(net.host("m"), name, hook)),
    links: links("dev:lan1 -> w.left", "w.right -> dev:lan2"),
  };
}

const features: readonly OffloadFeature[] = ["txChecksum", "txVlan", "txServiceVlan", "genericReceive"];

function featuresOf(net: VirtualNetwork, host: string): Readonly<Record<string, boolean>> {
  const found = readFeatures("eth0", net.host(host).namespace);
  return Object.fromEntries(features.map((feature) => [feature, hasFeature(found, feature)]));
}

test(
  "what XDP needs of the other ends is set with the attachment, told, and put back with its end",
  options,
  async () => {
    using net = network();
    const before = readFeatures("eth0", net.host("a").namespace).active;
    using graph = new TestGraph();
    const prepared = graph.prepare(model(net, "xdp"));
    assert.equal(graph.warnings(prepared).length, 4);
    assert.deepEqual(readFeatures("eth0", net.host("a").namespace).active, before);
    const { warnings } = await graph.apply(prepared);
    assert.match(
      warnings.join("\n"),
      /^tx off txvlan off tx-vlan-stag-hw-insert off on eth0, the other end of lan1, until it is detached: XDP sees/m,
    );
    assert.match(warnings.join("\n"), /^gro on on eth0, the other end of lan2, until it is detached: without GRO/m);
    for (const host of ["a", "b"]) {
      assert.deepEqual(featuresOf(net, host), {
        ...{ txChecksum: false, txVlan: false, txServiceVlan: false, genericReceive: true },
      });
    }
    assert.deepEqual((await graph.applyModel(model(net, "xdp"))).warnings, []);
    net.host("a").exec("ping", ["-c", "1", "-W", "1", "192.0.2.2"]);
    await graph.applyModel(model(net, "tcx"));
    graph.settle();
    assert.deepEqual(readFeatures("eth0", net.host("a").namespace).active, before);
    assert.deepEqual(readFeatures("eth0", net.host("b").namespace).active, before);
  },
);

test("what was so before stays so", options, async () => {
  using net = network();
  setFeatures("eth0", { txChecksum: false, genericReceive: true }, net.host("a").namespace);
  using graph = new TestGraph();
  await graph.applyModel(model(net, "xdp"));
  await graph.applyModel(model(net, "tcx"));
  graph.settle();
  assert.deepEqual(featuresOf(net, "a"), {
    ...{ txChecksum: false, txVlan: true, txServiceVlan: true, genericReceive: true },
  });
});

test("an apply that fails puts back what it changed, and says why", options, async () => {
  using net = network({ mtu: 9000 });
  const before = readFeatures("eth0", net.host("a").namespace).active;
  using graph = new TestGraph();
  await assert.rejects(graph.applyModel(model(net, "xdp")), { code: "E_USAGE", message: /MTU/ });
  assert.deepEqual(readFeatures("eth0", net.host("a").namespace).active, before);
  assert.deepEqual(graph.record.remedies, []);
});

test("a device gets the receive queues that XDP needs", options, async () => {
  using net = network({ queues: 4 });
  const m = net.host("m").namespace;
  net.host("m").exec("ethtool", ["-L", "lan1", "rx", "1", "tx", "1"]);
  assert.equal(readQueues("lan1", m).rx, 1);
  using graph = new TestGraph();
  const { warnings } = await graph.applyModel(model(net, "xdp"));
  assert.match(warnings.join("\n"), /^lan1 gets as many receive queues as its other end sends on/m);
  assert.equal(readQueues("lan1", m).rx, 4);
  await graph.applyModel(model(net, "tcx"));
  graph.settle();
  assert.equal(readQueues("lan1", m).rx, 1);
});

test("a namespace that nothing but a process names is reached; one that nothing names is told", options, async () => {
  using net = network();
  const m = net.host("m");
  using alone = NetworkNamespace.createUnnamed();
  createVethPair({ name: "lan3", namespace: m.namespace }, { name: "eth0", namespace: alone });
  using graph = new TestGraph();
  const lone: Model = {
    instances: [instance("w", wire, ["left", "right"])],
    devices: [deviceOf(m, "lan3", "xdp")],
    links: links("dev:lan3 -> w.left"),
  };
  const { warnings } = await graph.applyModel(lone);
  assert.match(
    warnings.join("\n"),
    /^the other end of lan3 is out of reach: make sure of tx off txvlan off tx-vlan-stag-hw-insert off there/m,
  );
  const child = alone.run(() => spawn("sleep", ["30"]));
  try {
    using socket = m.netlink();
    const { peerNamespaceId } = findDevice("lan3", m.namespace);
    using ids = new NamespaceIds(socket);
    assert.equal(ids.find(peerNamespaceId!)?.inode, alone.inode);
  } finally {
    child.kill("SIGKILL");
  }
});

test("a name of a namespace that is none any more is passed over", { skip: skipWithoutNetwork }, () => {
  using net = testPair();
  const path = `/run/netns/iov${process.pid}x-none`;
  writeFileSync(path, "");
  try {
    using socket = net.host("a").netlink();
    using ids = new NamespaceIds(socket);
    assert.equal(ids.find(0x7fff), undefined);
  } finally {
    rmSync(path);
  }
});
