import assert from "node:assert/strict";
import { test } from "node:test";
import { skipWithoutNetwork } from "../../../test/network/network.ts";
import { VisorBench } from "../../../test/network/visor-bench.ts";
import { createVethPair } from "../../kernel/devices.ts";
import { NetworkNamespace } from "../../kernel/namespaces.ts";
import { changeLink, deleteLink } from "../../kernel/netlink/change-link.ts";
import { NETLINK_ROUTE } from "../../kernel/netlink/constants.ts";
import { findLink } from "../../kernel/netlink/links.ts";
import { NetlinkSocket } from "../../kernel/netlink/socket.ts";
import { parseGraph } from "../graph/parse.ts";
import { DeviceWatcher } from "./device-watcher.ts";
import type { Visor } from "./visor.ts";

const options = { skip: skipWithoutNetwork, timeout: 60_000 };

/** A visor with a graph from a to b, and a watcher. */
async function watched(work: (visor: Visor, bench: VisorBench, until: Until) => Promise<void>): Promise<void> {
  using bench = new VisorBench();
  await bench.with(async (visor) => {
    const failures: unknown[] = [];
    using _watcher = new DeviceWatcher(visor, { failed: (error) => failures.push(error) });
    await visor.apply(await bench.graph(3));
    await until(visor, true);
    assert.equal(await bench.probe(), 3);
    await work(visor, bench, until);
    assert.deepEqual(failures, []);
    await visor.teardown();
  });
}

type Until = typeof until;

/** Waits until the visor has found all devices, or misses one; then nothing more is written. */
async function until(visor: Visor, complete: boolean): Promise<void> {
  const reached = () =>
    visor.prepared!.model.devices.every(({ found }) => found) === complete && visor.running.isIntact();
  for (let tries = 0; tries < 1000 && !reached(); tries++) await pause(10);
  assert.equal(reached(), true);
  await pause(60);
}

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

test("a device that is deleted and made again is followed", options, async () => {
  await watched(async (visor, bench, until) => {
    const middle = bench.net.host("middle");
    using netlink = middle.netlink();
    deleteLink(netlink, "lan1");
    await until(visor, false);
    createVethPair(
      { name: "lan1", namespace: middle.namespace },
      { name: "eth0", namespace: bench.net.host("a").namespace },
    );
    await until(visor, true);
    assert.equal(await bench.probe(), 3);
  });
});

test("a device that moves to another namespace and back is followed, and refills its places", options, async () => {
  await watched(async (visor, bench, until) => {
    const [middle, elsewhere] = [bench.net.host("middle"), bench.net.host("b")];
    using here = middle.netlink();
    using there = elsewhere.netlink();
    for (const device of ["lan1", "lan2"]) {
      changeLink(here, device, { namespace: elsewhere.namespace });
      await until(visor, false);
      changeLink(there, device, { namespace: middle.namespace });
      await until(visor, true);
      changeLink(here, device, { up: true });
      await pause(100);
      assert.equal(await bench.probe(), 3, device);
    }
  });
});

test("a device that is away for a moment only is repaired", options, async () => {
  await watched(async (visor, bench) => {
    const [middle, elsewhere] = [bench.net.host("middle"), bench.net.host("b")];
    using here = middle.netlink();
    using there = elsewhere.netlink();
    changeLink(here, "lan2", { namespace: elsewhere.namespace });
    changeLink(there, "lan2", { namespace: middle.namespace });
    changeLink(here, "lan2", { up: true });
    await pause(300);
    assert.equal(visor.running.isIntact(), true);
    assert.equal(await bench.probe(), 3);
  });
});

test("a device that is renamed is let go, and taken up under its name again", options, async () => {
  await watched(async (visor, bench, until) => {
    using netlink = bench.net.host("middle").netlink();
    changeLink(netlink, "lan1", { name: "other" });
    await until(visor, false);
    assert.equal(await bench.probe(), undefined);
    changeLink(netlink, "other", { name: "lan1" });
    await until(visor, true);
    assert.equal(await bench.probe(), 3);
  });
});

test(
  "host sides learn of another MTU and MAC address; what does not concern the graph changes nothing",
  options,
  async () => {
    await watched(async (visor, bench) => {
      const middle = bench.net.host("middle");
      using netlink = middle.netlink();
      const { generation } = visor.running.record;
      createVethPair({ name: "alien0", namespace: middle.namespace }, { name: "alien1", namespace: middle.namespace });
      changeLink(netlink, "lan1", { up: false });
      changeLink(netlink, "lan1", { up: true });
      await pause(300);
      assert.equal(visor.running.record.generation, generation);
      assert.equal(await visor.refresh(), undefined);
      changeLink(netlink, "lan1", { mtu: 1400, address: "02:00:00:00:aa:01" });
      await pause(300);
      const port = visor.prepared!.numbered.instances.get("c1")!.view.ports[0]!;
      assert.deepEqual([port.device?.mtu, port.device?.mac], [1400, "02:00:00:00:aa:01"]);
      assert.equal(visor.running.record.generation, generation + 1);
    });
  },
);

test("a graph waits for a namespace that comes later, and for one that is made anew", options, async () => {
  using bench = new VisorBench();
  const netns = `${bench.netns}late`;
  using cleanup = new DisposableStack();
  await bench.with(async (visor) => {
    using _watcher = new DeviceWatcher(visor);
    await visor.apply(
      await parseGraph({
        functions: { c1: { kind: "./counter", config: { number: 9 } } },
        devices: { lan1: { name: "lan1", netns }, lan2: { name: "lan2", netns } },
        links: ["dev:lan1 -> c1.inside", "c1.outside -> dev:lan2"],
      }),
    );
    const later = async () => {
      const namespace = NetworkNamespace.create(netns);
      for (const [host, device] of [
        ["a", "lan1"],
        ["b", "lan2"],
      ] as const) {
        const end = bench.net.host(host);
        using netlink = end.netlink();
        // It went with the namespace of its peer already, the second time.
        if (findLink(netlink, "eth0")) deleteLink(netlink, "eth0");
        createVethPair({ name: device, namespace }, { name: "eth0", namespace: end.namespace });
      }
      await until(visor, true);
      assert.equal(await bench.probe(), 9);
      return namespace;
    };
    const first = await later();
    first.close();
    NetworkNamespace.delete(netns);
    await until(visor, false);
    cleanup.defer(() => NetworkNamespace.delete(netns));
    (await later()).close();
    await visor.teardown();
  });
});

test("devices that fit a pattern come and go", options, async () => {
  using bench = new VisorBench({ counter: "hub" });
  const { netns } = bench;
  await bench.with(async (visor) => {
    using _watcher = new DeviceWatcher(visor);
    await visor.apply(
      await parseGraph({
        functions: { c1: { kind: "./counter", config: { number: 4 }, ports: { all: {} } } },
        devices: { all: { name: "lan*", netns } },
        links: ["dev:all -> c1.all"],
      }),
    );
    const names = () => visor.prepared!.numbered.instances.get("c1")!.view.ports.map(({ name }) => name);
    assert.deepEqual(names(), ["all:lan1", "all:lan2"]);
    assert.equal(await bench.probe(), 4);
    using socket = new NetlinkSocket(NETLINK_ROUTE, bench.net.host("middle").namespace);
    createVethPair(
      { name: "tap9", namespace: bench.net.host("middle").namespace },
      { name: "eth9", namespace: bench.net.host("b").namespace },
    );
    changeLink(socket, "tap9", { name: "lan9" });
    await pause(300);
    assert.deepEqual(names(), ["all:lan1", "all:lan2", "all:lan9"]);
    deleteLink(socket, "lan9");
    await pause(300);
    assert.deepEqual(names(), ["all:lan1", "all:lan2"]);
    assert.equal(await bench.probe(), 4);
    await visor.teardown();
  });
});
