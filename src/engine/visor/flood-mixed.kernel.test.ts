import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { skipWithoutNetwork, testNetwork } from "../../../test/network/network.ts";
import { buildPacket } from "../../capture/packet.ts";
import { compileClean } from "../../compiler/frontend/testing.ts";
import * as build from "../../compiler/hir/build.ts";
import { boolType, verdictType } from "../../compiler/hir/types.ts";
import { findDevice } from "../../kernel/devices.ts";
import { supports } from "../../kernel/features.ts";
import { inside } from "../../kernel/namespaces.ts";
import { PacketSocket } from "../../kernel/packet-socket.ts";
import type { VirtualNetwork } from "../../kernel/virtual-network.ts";
import { hooks } from "../../language/kinds.ts";
import { loadModule } from "../load.ts";
import type { Model } from "./model.ts";
import { deviceOf, functionOf, instance, links, TestGraph } from "./testing.ts";

/** Broadcasts are flooded, all else goes to the port "b". */
const fork = functionOf(
  "fork",
  `import { Drop, dynamicPorts, flood, forward, onPacket } from "iovisor/kernel";
import { Ethernet } from "iovisor/kernel/headers";
export const ports = dynamicPorts({ maximum: 8 });
export default onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (!ethernet) return Drop;
  return ethernet.destination[0] === 0xff ? flood(7, 7) : forward(1);
});`,
  {
    floodGroups: ({ ports }) => [
      { group: 7, members: ports.map(({ number, name }) => ({ port: number, tagged: name === "tagged" })) },
    ],
  },
);

const passing = functionOf(
  "passing",
  `import { fixedPorts, forward, onPacket } from "iovisor/kernel";
export const ports = fixedPorts("inside", "outside");
export default onPacket((packet) => forward(1 - packet.port));`,
);

/** Sends frames out of a device, to all and to one station in turn. Recycled ones keep what was written into them. */
const generator = `import { arrayMap, config, Drop, onPacket, range, redirect, u32 } from "iovisor/kernel";
import { Ethernet, EtherType } from "iovisor/kernel/headers";
export const settings = config({ device: u32.default(0, "index") });
export const sent = arrayMap({ value: u32, maxEntries: 1 });
export default onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  const count = sent.ref(0);
  if (!ethernet || !count) return Drop;
  count.value = u32(count.value + 1);
  ethernet.destination[0] = (count.value & 1) === 1 ? 0xff : 0x02;
  for (const index of range(6)) ethernet.source[index] = 2;
  ethernet.type = EtherType.ipv4;
  return redirect(settings.device);
});`;

const hosts = ["a", "b", "c", "d", "e"] as const;

function network(): VirtualNetwork {
  const net = testNetwork({
    wires: hosts.map((host) => [
      { host, device: "eth0" },
      { host: "middle", device: `to-${host}` },
    ]),
  });
  for (const host of hosts) net.host(host).exec("ethtool", ["-K", "eth0", "gro", "on", "txvlan", "off"]);
  return net;
}

function model(net: VirtualNetwork): Model {
  const middle = net.host("middle");
  return {
    instances: [
      instance("fork", fork, ["a", "b", "tagged", "up1", "up2"]),
      instance("p1", passing, ["inside", "outside"]),
      instance("p2", passing, ["inside", "outside"]),
    ],
    devices: hosts.map((host) => deviceOf(middle, `to-${host}`, "xdp")),
    links: links(
      ...["dev:to-a -> fork.a", "dev:to-b -> fork.b", "dev:to-c -> fork.tagged"],
      ...["fork.up1 -> p1.inside", "p1.outside -> dev:to-d", "fork.up2 -> p2.inside", "p2.outside -> dev:to-e"],
    ),
  };
}

const frames = 400;

const options = {
  skip: skipWithoutNetwork || (supports("xdp-live-frames") ? false : "no live frames at XDP"),
  timeout: 60_000,
};
const packet = buildPacket("eth 02:00:00:00:00:01 > 02:00:00:00:00:02 / ip / udp 1 > 2 / payload 18");

test("frames that come in together each leave as they should, flooded or not (xdp)", options, async () => {
  using net = network();
  using graph = new TestGraph();
  await graph.applyModel(model(net));
  using stack = new DisposableStack();
  const [b, c, d, e] = (["b", "c", "d", "e"] as const).map((host) =>
    stack.use(new PacketSocket("eth0", net.host(host).namespace)),
  );
  const { namespace } = net.host("a");
  const module = compileClean(generator);
  const settings = { device: findDevice("eth0", namespace).index };
  using source = loadModule(module, [{ program: module.programs[0]!, hook: hooks.xdp }], { settings });
  inside(namespace, () => source.entries[0]!.kernelProgram.testRun({ packet, live: true, repeat: frames }));
  await sleep(500);
  const tags = (socket: PacketSocket | undefined) =>
    socket!
      .drain()
      .filter(({ data }) => data.length === packet.length)
      .map(({ vlan }) => vlan?.tci);
  const [toB, toC, toD, toE] = [b, c, d, e].map(tags);
  assert.deepEqual([toB!.length, toB!.filter((tag) => tag !== undefined)], [frames, []]);
  assert.deepEqual([toC!.length, toC!.filter((tag) => tag !== 7)], [frames / 2, []]);
  assert.deepEqual([toD!.length, toE!.length], [frames / 2, frames / 2]);
});

test("notes that come in with frames are not the graph's (xdp)", options, async () => {
  using net = network();
  using graph = new TestGraph();
  await graph.applyModel(model(net));
  using to = new PacketSocket("eth0", net.host("b").namespace);
  const { namespace } = net.host("a");
  const device = build.number(findDevice("eth0", namespace).index);
  const note = build.operation("packet.setNote", [build.wide(0)], boolType);
  const redirect = build.operation("verdict.redirect", [device], verdictType);
  const module = build.module([build.program(() => [build.evaluate(note), build.giveBack(redirect)])], {});
  using source = loadModule(module, [{ program: module.programs[0]!, hook: hooks.xdp }]);
  inside(namespace, () => source.entries[0]!.kernelProgram.testRun({ packet, live: true, repeat: frames }));
  await sleep(500);
  assert.equal(to.drain().filter(({ data }) => data.length === packet.length).length, frames);
});
