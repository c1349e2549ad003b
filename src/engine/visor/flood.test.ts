import assert from "node:assert/strict";
import { test } from "node:test";
import { skipWithoutNetwork, testNetwork } from "../../../test/network/network.ts";
import { buildPacket } from "../../capture/packet.ts";
import { PacketSocket } from "../../kernel/packet-socket.ts";
import type { VirtualNetwork } from "../../kernel/virtual-network.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import type { Model } from "./model.ts";
import { deviceOf, functionOf, instance, links, TestGraph } from "./testing.ts";

/** Floods whatever comes, untagged and with VLAN 7 on ports that want tags. */
const hub = functionOf(
  "hub",
  `import { dynamicPorts, flood, onPacket } from "iovisor/kernel";
export const ports = dynamicPorts({ maximum: 8 });
export default onPacket(() => flood(7, 7));`,
  {
    floodGroups: ({ ports }) => [
      { group: 7, members: ports.map(({ number, name }) => ({ port: number, tagged: name.startsWith("tagged") })) },
    ],
  },
);

/** Writes a mark into the source address of what passes. */
const marker = functionOf(
  "marker",
  `import { Drop, fixedPorts, forward, onPacket } from "iovisor/kernel";
import { Ethernet } from "iovisor/kernel/headers";
export const ports = fixedPorts("inside", "outside");
export default onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (!ethernet) return Drop;
  ethernet.source[5] = 99;
  return forward(1 - packet.port);
});`,
);

const hosts = ["a", "b", "c", "d"] as const;
type Host = (typeof hosts)[number];

function network(hook: PipelineHook): VirtualNetwork {
  const net = testNetwork({
    wires: hosts.map((host) => [
      { host, device: "eth0" },
      { host: "middle", device: `to-${host}` },
    ]),
  });
  for (const host of hosts) {
    if (hook === "xdp") net.host(host).exec("ethtool", ["-K", "eth0", "gro", "on", "txvlan", "off"]);
  }
  return net;
}

/** Hosts a and b at the hub, c behind it and a function, d at a port with tags. */
function model(net: VirtualNetwork, hook: PipelineHook): Model {
  const middle = net.host("middle");
  return {
    instances: [instance("hub", hub, ["a", "b", "up", "tagged"]), instance("marker", marker, ["inside", "outside"])],
    devices: hosts.map((host) => deviceOf(middle, `to-${host}`, hook)),
    links: links(
      "dev:to-a -> hub.a",
      "dev:to-b -> hub.b",
      "hub.up -> marker.inside",
      "marker.outside -> dev:to-c",
      "dev:to-d -> hub.tagged",
    ),
  };
}

const frame = buildPacket(
  "eth 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff / ip 192.0.2.1 > 192.0.2.2 / udp 1 > 2 / payload 18",
);

for (const hook of ["tcx", "xdp"] satisfies PipelineHook[]) {
  test(`copies go to all ports but the packet's own, functions and tags included (${hook})`, {
    skip: skipWithoutNetwork,
    timeout: 60_000,
  }, async () => {
    using net = network(hook);
    using graph = new TestGraph();
    await graph.applyModel(model(net, hook));
    using stack = new DisposableStack();
    const sockets = Object.fromEntries(
      hosts.map((host) => [host, stack.use(new PacketSocket("eth0", net.host(host).namespace))]),
    ) as Record<Host, PacketSocket>;
    const got = async (from: Host) => {
      sockets[from].send(frame);
      await new Promise((resolve) => setTimeout(resolve, 150));
      return Object.fromEntries(
        hosts.map((host) => [
          host,
          sockets[host]
            .drain()
            .map(({ data, vlan }) => `${data[11]}${vlan ? ` vlan ${vlan.tci}` : ""} ${data.length}`)
            .join(", "),
        ]),
      );
    };
    const plain = `1 ${frame.length}`;
    const tagged = `1 vlan 7 ${frame.length}`;
    assert.deepEqual(await got("a"), { a: "", b: plain, c: `99 ${frame.length}`, d: tagged });
    assert.deepEqual(await got("b"), { a: plain, b: "", c: `99 ${frame.length}`, d: tagged });
    const marked = { a: `99 ${frame.length}`, b: `99 ${frame.length}`, c: "", d: `99 vlan 7 ${frame.length}` };
    assert.deepEqual(await got("c"), marked);
  });
}

test("groups of a revision that failed are not those of the next one", {
  skip: skipWithoutNetwork,
  timeout: 60_000,
}, async () => {
  using net = network("tcx");
  using graph = new TestGraph();
  const whole = model(net, "tcx");
  await graph.applyModel(whole);
  const fewer: Model = {
    ...whole,
    instances: [instance("hub", hub, ["a", "up", "tagged"]), whole.instances[1]!],
    links: whole.links.filter((ends) => !ends.some((end) => end.kind === "port" && end.port === "b")),
  };
  const refused = graph.apply(graph.prepare(fewer), async () => {
    throw new Error("no room");
  });
  await assert.rejects(refused, /no room/);
  await graph.applyModel(whole);
  using from = new PacketSocket("eth0", net.host("a").namespace);
  using to = new PacketSocket("eth0", net.host("b").namespace);
  from.send(frame);
  assert.equal((await to.next(1000))?.data.length, frame.length);
});
