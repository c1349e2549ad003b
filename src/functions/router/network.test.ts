import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { skipWithoutNetwork, testNetwork } from "../../../test/network/network.ts";
import { output, ping, transfer } from "../../../test/network/traffic.ts";
import type { JsonObject } from "../../engine/host/host-side.ts";
import { Counters } from "../../engine/inspect/counters.ts";
import type { PipelineHook } from "../../engine/pipeline/topology.ts";
import type { Model } from "../../engine/visor/model.ts";
import { deviceOf, links } from "../../engine/visor/testing.ts";
import type { VirtualNetwork } from "../../kernel/virtual-network.ts";
import { routerFunction, TestGraph } from "./testing.ts";

const hosts = ["a", "b", "c"] as const;

/** Three hosts around a router: N is 10.0.N.2 and 2001:db8:N::2 behind its port lanN. */
function network(): VirtualNetwork {
  const gateway = (number: number) => [
    { destination: "0.0.0.0/0", nextHops: [{ gateway: `10.0.${number}.1` }] },
    { destination: "::/0", nextHops: [{ gateway: `2001:db8:${number}::1` }] },
  ];
  return testNetwork({
    wires: hosts.map((host, index) => [
      { host, device: "eth0", addresses: [`10.0.${index + 1}.2/24`, `2001:db8:${index + 1}::2/64`] },
      { host: "middle", device: `lan${index + 1}` },
    ]),
    routes: Object.fromEntries(hosts.map((host, index) => [host, gateway(index + 1)])),
    resolveNeighbours: true,
  });
}

async function model(net: VirtualNetwork, hook: PipelineHook, config: JsonObject = {}, mtu = 1500): Promise<Model> {
  const numbers = hosts.map((_, index) => index + 1);
  const ports = numbers.map((number) => ({
    name: `lan${number}`,
    config: {
      addresses: [`10.0.${number}.1/24`, `2001:db8:${number}::1/64`],
      ...(number === 3 ? { mtu } : {}),
    },
  }));
  return {
    instances: [{ name: "r1", function: await routerFunction(), config, ports }],
    devices: numbers.map((number) => deviceOf(net.host("middle"), `lan${number}`, hook)),
    links: links(...numbers.map((number) => `dev:lan${number} -> r1.lan${number}`)),
  };
}

function prepare(net: VirtualNetwork, hook: PipelineHook): void {
  // Frames that XDP sends out of a veth arrive only where the other end has NAPI, and their checksums are as they came.
  if (hook === "xdp")
    for (const host of hosts) net.host(host).exec("ethtool", ["-K", "eth0", "gro", "on", "tx", "off"]);
}

for (const hook of ["tcx", "xdp"] satisfies PipelineHook[]) {
  const options = { skip: skipWithoutNetwork, timeout: 90_000 };

  test(`hosts reach each other and the router over IPv4 and IPv6 (${hook})`, options, async () => {
    using net = network();
    prepare(net, hook);
    using graph = new TestGraph();
    await graph.applyModel(await model(net, hook));
    const a = net.host("a");
    for (const target of ["10.0.1.1", "10.0.2.1", "10.0.2.2", "10.0.3.2"])
      assert.match(await ping(a, target), /3 received/, target);
    for (const target of ["2001:db8:1::1", "2001:db8:2::1", "2001:db8:2::2", "2001:db8:3::2"])
      assert.match(await ping(a, target), /3 received/, target);
    assert.match(await ping(a, "10.0.2.2", "-c", "1"), /ttl=63/);
    assert.match(await ping(a, "2001:db8:2::2", "-c", "1"), /ttl=63/);
    assert.equal(await transfer(a, net.host("b"), "10.0.2.2", 20_000_000), 20_000_000);
    assert.equal(await transfer(a, net.host("c"), "2001:db8:3::2", 20_000_000), 20_000_000);
  });

  test(`packets that wait for a neighbour arrive whole and in their order (${hook})`, options, async () => {
    using net = network();
    prepare(net, hook);
    using graph = new TestGraph();
    await graph.applyModel(await model(net, hook));
    for (const [from, to] of [
      ["10.0.1.2", "10.0.2.2"],
      ["2001:db8:1::2", "2001:db8:2::2"],
    ] as const) {
      const receiver = await net.host("b").udp(to, 4000);
      const sender = await net.host("a").udp(from);
      const received: string[] = [];
      const done = new Promise<void>((resolve) => {
        receiver.on("message", (message) => {
          received.push(message.toString());
          if (received.length === 10) resolve();
        });
      });
      const sent = Array.from({ length: 10 }, (_, index) => `message ${index} to ${to}`);
      for (const text of sent) sender.send(text, 4000, to);
      await done;
      assert.deepEqual(received, sent);
      sender.close();
      receiver.close();
    }
  });

  test(`senders are told what is wrong (${hook})`, options, async () => {
    using net = network();
    prepare(net, hook);
    using graph = new TestGraph();
    const routes = [
      { prefix: "10.9.0.0/16", prohibit: true },
      { prefix: "2001:db8:9::/48", prohibit: true },
    ];
    await graph.applyModel(await model(net, hook, { routes }, 1400));
    const a = net.host("a");
    const expected: readonly (readonly [target: string, options: readonly string[], answer: RegExp])[] = [
      ["10.0.2.2", ["-t", "1"], /From 10\.0\.1\.1 .*Time to live exceeded/],
      ["2001:db8:2::2", ["-t", "1"], /From 2001:db8:1::1 .*Time exceeded: Hop limit/],
      ["192.0.2.1", [], /From 10\.0\.1\.1 .*Destination Net Unreachable/],
      ["2001:db8:ffff::1", [], /From 2001:db8:1::1 .*No route/],
      ["10.9.0.1", [], /From 10\.0\.1\.1 .*Packet filtered/],
      ["2001:db8:9::1", [], /From 2001:db8:1::1 .*Administratively prohibited/],
      ["10.0.2.77", ["-W", "5"], /From 10\.0\.1\.1 .*Destination Host Unreachable/],
      ["2001:db8:2::77", ["-W", "5"], /From 2001:db8:1::1 .*Address unreachable/],
      ["10.0.3.2", ["-s", "1450", "-M", "do"], /From 10\.0\.1\.1 .*mtu = 1400/],
      ["2001:db8:3::2", ["-s", "1440", "-M", "do"], /From 2001:db8:1::1 .*mtu=1400/i],
    ];
    for (const [target, given, answer] of expected) assert.match(await ping(a, target, ...given), answer, target);
    assert.match(await ping(a, "10.0.3.2", "-s", "1450", "-M", "dont"), /3 received/);
  });

  test(`a route that changes under traffic needs no other program and loses nothing (${hook})`, options, async () => {
    using net = network();
    prepare(net, hook);
    using graph = new TestGraph();
    const via = async (number: number) =>
      await model(net, hook, { routes: [{ prefix: "10.9.0.0/24", via: `10.0.${number}.2` }] });
    await graph.applyModel(await via(2));
    for (const host of ["b", "c"]) net.host(host).exec("ip", ["address", "add", "10.9.0.1/32", "dev", "lo"]);
    for (const number of [3, 2]) {
      assert.match(await ping(net.host("a"), "10.9.0.1"), /3 received/);
      await graph.applyModel(await via(number));
    }
    let isOver = false;
    const pings = output(net.host("a"), "ping", ["-n", "-q", "-c", "200", "-i", "0.01", "-W", "2", "10.9.0.1"]);
    void pings.finally(() => (isOver = true));
    for (let change = 1; !isOver; change++) {
      const report = await graph.applyModel(await via(2 + (change % 2)));
      assert.deepEqual(report.loaded, []);
      await sleep(50);
    }
    assert.match(await pings, /200 received/);
    const sent = graph.prepared!.numbered.instances.get("r1")!;
    const { ports } = new Counters(graph.dataPath, () => graph.prepared!.numbered.topology).of(sent);
    for (const port of ["lan2", "lan3"]) assert.ok(ports[port]!.outPackets > 20n, `${port} ${ports[port]!.outPackets}`);
  });
}
