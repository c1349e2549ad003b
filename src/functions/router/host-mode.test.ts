/** Host mode on the real kernel: its routes, neighbours and sysctls decide, and change what packets do at once. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import {
  assertMost,
  change,
  HostModeGraph,
  hostModeModel as model,
  hostModeNetwork as network,
  set,
} from "../../../test/network/host-mode.ts";
import { skipWithoutNetwork } from "../../../test/network/network.ts";
import { output, ping, transfer } from "../../../test/network/traffic.ts";
import type { PipelineHook } from "../../engine/pipeline/topology.ts";
import { deviceOf } from "../../engine/visor/testing.ts";
import { createVethPair } from "../../kernel/devices.ts";
import type { VirtualHost } from "../../kernel/virtual-network.ts";

const bothFamilies = (number: number): readonly string[] => [`10.0.${number}.2`, `2001:db8:${number}::2`];

for (const hook of ["tcx", "xdp"] satisfies PipelineHook[]) {
  const options = { skip: skipWithoutNetwork, timeout: 90_000 };

  test(`hosts reach each other by the kernel's routes and neighbours (${hook})`, options, async () => {
    using net = network(hook);
    using graph = new HostModeGraph();
    await graph.applyModel(await model(net, hook));
    const a = net.host("a");
    for (const number of [2, 3]) {
      for (const target of bothFamilies(number)) {
        const text = await ping(a, target, "-c", "20", "-i", "0.02");
        assert.match(text, /20 received/);
        assert.match(text, /ttl=63/);
        assertMost(graph.forwarded(`lan${number}`), 20);
        assertMost(graph.forwarded("lan1"), 20);
      }
    }
    assert.ok(graph.left("noNeighbour") > 0 && graph.left("notForRouter") > 0, "the kernel found the neighbours");
    assert.ok(graph.left("neighbourCheck") > 0, "the kernel sees that they are in use");
    for (const target of ["10.0.1.1", "2001:db8:2::1"]) assert.match(await ping(a, target), /3 received/);
    assert.equal(await transfer(a, net.host("b"), "10.0.2.2", 20_000_000), 20_000_000);
    assert.equal(await transfer(a, net.host("c"), "2001:db8:3::2", 20_000_000), 20_000_000);
    assert.ok(graph.forwarded("lan2") > 100 && graph.forwarded("lan3") > 100);
  });

  test(`packets for devices that are no ports go by the kernel (${hook})`, options, async () => {
    using net = network(hook);
    using graph = new HostModeGraph();
    await graph.applyModel(await model(net, hook));
    for (const target of bothFamilies(4)) assert.match(await ping(net.host("a"), target), /3 received/);
    // Those that wait for a neighbour are counted as that.
    assert.ok(graph.left("otherDevice") > 0 && graph.left("otherDevice") + graph.left("noNeighbour") >= 6);
    assert.match(await ping(net.host("d"), "10.0.1.2"), /3 received/);
  });

  test(`routes count at once, without an apply (${hook})`, options, async () => {
    using net = network(hook);
    using graph = new HostModeGraph();
    await graph.applyModel(await model(net, hook));
    const a = net.host("a");
    for (const host of ["b", "c"]) {
      net.host(host).exec("ip", ["address", "add", "10.9.0.1/32", "dev", "lo"]);
      net.host(host).exec("ip", ["address", "add", "2001:db8:9::1/128", "dev", "lo", "nodad"]);
    }
    const route = (what: string, number: number): void => {
      change(net, `route ${what} 10.9.0.0/24 via 10.0.${number}.2`);
      change(net, `route ${what} 2001:db8:9::/48 via 2001:db8:${number}::2`);
    };
    const targets = ["10.9.0.1", "2001:db8:9::1"];
    const answers = async (answer: RegExp): Promise<void> => {
      for (const target of targets) assert.match(await ping(a, target, "-c", "10", "-i", "0.02", "-W", "1"), answer);
    };
    await answers(/Unreachable|No route/);
    route("add", 2);
    await answers(/10 received/);
    assertMost(graph.forwarded("lan2"), 20);
    route("replace", 3);
    await answers(/10 received/);
    assertMost(graph.forwarded("lan3"), 20);
    assert.equal(graph.forwarded("lan2"), 0);
    route("delete", 3);
    await answers(/Unreachable|No route/);
  });

  test(`the kernel tells senders what is wrong, and blackholes are silent (${hook})`, options, async () => {
    using net = network(hook);
    using graph = new HostModeGraph();
    for (const [type, number] of [
      ["blackhole", 1],
      ["unreachable", 2],
      ["prohibit", 3],
    ] as const) {
      change(net, `route add ${type} 10.8.${number}.0/24`);
      change(net, `route add ${type} 2001:db8:8${number}::/48`);
    }
    change(net, "link set lan3 mtu 1400");
    net.host("c").exec("ip", ["link", "set", "eth0", "mtu", "1400"]);
    await graph.applyModel(await model(net, hook));
    const a = net.host("a");
    const expected: readonly (readonly [target: string, options: readonly string[], answer: RegExp])[] = [
      ["10.0.2.2", ["-t", "1"], /From 10\.0\.1\.1 .*Time to live exceeded/],
      ["2001:db8:2::2", ["-t", "1"], /From 2001:db8:1::1 .*Time exceeded: Hop limit/],
      ["192.0.2.1", [], /From 10\.0\.1\.1 .*Destination Net Unreachable/],
      ["2001:db8:ffff::1", [], /From 2001:db8:1::1 .*No route/],
      ["10.8.2.1", [], /From 10\.0\.1\.1 .*Destination Host Unreachable/],
      ["2001:db8:82::1", [], /From 2001:db8:1::1 .*No route/],
      ["10.8.3.1", [], /From 10\.0\.1\.1 .*Packet filtered/],
      ["2001:db8:83::1", [], /From 2001:db8:1::1 .*Administratively prohibited/],
      ["10.0.3.2", ["-s", "1450", "-M", "do"], /From 10\.0\.1\.1 .*mtu = 1400/],
      ["2001:db8:3::2", ["-s", "1440", "-M", "do"], /From 2001:db8:1::1 .*mtu=1400/i],
      ["10.0.2.77", ["-W", "5"], /From 10\.0\.1\.1 .*Destination Host Unreachable/],
    ];
    for (const [target, given, answer] of expected) assert.match(await ping(a, target, ...given), answer, target);
    assert.match(await ping(a, "10.0.3.2", "-s", "1450", "-M", "dont"), /3 received/);
    for (const target of ["10.8.1.1", "2001:db8:81::1"]) {
      const text = await ping(a, target, "-W", "1");
      assert.match(text, /0 received/);
      assert.doesNotMatch(text, /From/);
    }
    assert.ok(graph.dropped("blackhole") >= 6);
  });

  test(`flows are spread over the next hops of a group, and rules of routing hold (${hook})`, options, async () => {
    using net = network(hook);
    using graph = new HostModeGraph();
    await graph.applyModel(await model(net, hook));
    set(net, "net.ipv4.fib_multipath_hash_policy", 1);
    for (const number of [2, 3]) change(net, `nexthop add id ${number} via 10.0.${number}.2 dev lan${number}`);
    change(net, "nexthop add id 10 group 2/3");
    change(net, "route add 10.9.0.0/24 nhid 10");
    for (const host of ["b", "c"]) net.host(host).exec("ip", ["address", "add", "10.9.0.1/32", "dev", "lo"]);
    const sender = await net.host("a").udp("10.0.1.2");
    const flows = async (): Promise<readonly [number, number]> => {
      for (let round = 0; round < 3; round++)
        for (let port = 0; port < 100; port++) {
          sender.send("flow", 4000 + port, "10.9.0.1");
          await sleep(1);
        }
      await sleep(100);
      return [graph.forwarded("lan2"), graph.forwarded("lan3")];
    };
    const [second, third] = await flows();
    assert.ok(second >= 60 && third >= 60 && second + third > 250, `${second} and ${third}`);
    change(net, "nexthop replace id 10 group 3");
    const [gone, all] = await flows();
    assert.equal(gone, 0);
    assertMost(all, 300);
    change(net, "rule add iif lan1 lookup 100");
    change(net, "route add 10.9.0.0/24 via 10.0.2.2 table 100");
    const [ruled, other] = await flows();
    assertMost(ruled, 300);
    assert.equal(other, 0);
    sender.close();
  });

  test(`devices that do not forward, and functions on the way, hold packets back (${hook})`, options, async () => {
    using net = network(hook);
    using graph = new HostModeGraph();
    const rules = [{ action: "drop", protocol: "icmp", destination: "10.0.3.0/24" }, { action: "accept" }];
    await graph.applyModel(await model(net, hook, { rules }));
    const a = net.host("a");
    assert.match(await ping(a, "10.0.2.2", "-c", "20", "-i", "0.02"), /20 received/);
    assertMost(graph.forwarded("lan2"), 20);
    assertMost(graph.forwarded("lan1"), 20);
    assert.match(await ping(a, "10.0.3.2", "-W", "1"), /0 received/);
    assert.match(await ping(net.host("b"), "10.0.3.2"), /3 received/);
    set(net, "net.ipv4.conf.lan1.forwarding", 0);
    assert.match(await ping(a, "10.0.2.2", "-W", "1"), /0 received/);
    assert.ok(graph.left("forwardingDisabled") >= 3);
  });

  test(`sources without a way back by their port are left to the kernel's filter (${hook})`, options, async () => {
    using net = network(hook);
    using graph = new HostModeGraph();
    for (const name of ["all", "lan1"]) set(net, `net.ipv4.conf.${name}.rp_filter`, 1);
    net.host("a").exec("ip", ["address", "add", "10.0.3.77/32", "dev", "lo"]);
    const receiver = await net.host("b").udp("10.0.2.2", 4000);
    let received = 0;
    receiver.on("message", () => received++);
    const [spoofed, honest] = [await net.host("a").udp("10.0.3.77"), await net.host("a").udp("10.0.1.2")];
    const arrivals = async (from: typeof honest): Promise<number> => {
      received = 0;
      for (let packet = 0; packet < 20; packet++) {
        from.send("x", 4000, "10.0.2.2");
        await sleep(5);
      }
      await sleep(100);
      return received;
    };
    await graph.applyModel(await model(net, hook, { config: { sourceCheck: "strict" } }));
    await ping(net.host("a"), "10.0.2.2");
    assert.equal(await arrivals(honest), 20);
    assert.equal(await arrivals(spoofed), 0);
    assert.ok(graph.left("sourceCheck") >= 20);
    await graph.applyModel(await model(net, hook, { config: { sourceCheck: "loose" } }));
    assert.equal(await arrivals(honest), 20);
    assert.ok((await arrivals(spoofed)) >= 19, "the network is there, by another port");
    for (const socket of [receiver, spoofed, honest]) socket.close();
  });
}

test("a neighbour that came under another MAC address is found again", { skip: skipWithoutNetwork }, async () => {
  using net = network("tcx");
  using graph = new HostModeGraph();
  set(net, "net.ipv4.neigh.lan3.base_reachable_time_ms", 1000);
  set(net, "net.ipv4.neigh.lan3.delay_first_probe_time", 1);
  await graph.applyModel(await model(net, "tcx"));
  assert.match(await ping(net.host("a"), "10.0.3.2"), /3 received/);
  net.host("c").exec("ip", ["link", "set", "eth0", "address", "02:00:00:00:77:77"]);
  // It answers whom it hears; the sender is told by nobody.
  const text = await output(net.host("a"), "ping", ["-n", "-c", "300", "-i", "0.1", "-w", "30", "10.0.3.2"]);
  assert.ok(Number(/(\d+) received/.exec(text)?.[1]) > 100, text);
  assert.doesNotMatch(text, / 0% packet loss/);
});

test("devices that come and go take their ports along", { skip: skipWithoutNetwork }, async () => {
  using net = network("tcx");
  using graph = new HostModeGraph();
  await graph.applyModel(await model(net, "tcx"));
  const [a, c, middle] = ["a", "c", "middle"].map((name) => net.host(name)) as [VirtualHost, VirtualHost, VirtualHost];
  const before = deviceOf(middle, "lan3", "tcx").found!.ifindex;
  assert.match(await ping(a, "10.0.3.2", "-c", "10", "-i", "0.02"), /10 received/);
  assertMost(graph.forwarded("lan3"), 10);
  middle.exec("ip", ["link", "delete", "lan3"]);
  createVethPair(
    { name: "eth0", namespace: c.namespace, addresses: ["10.0.3.2/24"] },
    { name: "lan3", namespace: middle.namespace, addresses: ["10.0.3.1/24"] },
  );
  c.exec("ip", ["route", "add", "default", "via", "10.0.3.1"]);
  assert.notEqual(deviceOf(middle, "lan3", "tcx").found!.ifindex, before);
  assert.match(await ping(a, "10.0.3.2", "-c", "10", "-i", "0.02"), /10 received/);
  assert.equal(graph.forwarded("lan3"), 0);
  assert.ok(graph.left("otherDevice") > 0);
  await graph.applyModel(await model(net, "tcx"));
  assert.match(await ping(a, "10.0.3.2", "-c", "10", "-i", "0.02"), /10 received/);
  assertMost(graph.forwarded("lan3"), 10);
});
