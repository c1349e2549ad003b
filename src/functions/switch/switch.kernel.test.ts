/** The switch in the kernel, between hosts. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { switchModule } from "../../../fuzz/functions/switch.ts";
import { skipWithoutNetwork, testNetwork } from "../../../test/network/network.ts";
import type { JsonObject } from "../../engine/host/host-side.ts";
import type { TableEntry, TableRow } from "../../engine/host/table-view.ts";
import { kernelTicks } from "../../engine/host/ticks.ts";
import type { PipelineHook } from "../../engine/pipeline/topology.ts";
import { TypedMap } from "../../engine/typed-map.ts";
import type { Model } from "../../engine/visor/model.ts";
import { RunningGraph } from "../../engine/visor/running-graph.ts";
import { deviceOf, links } from "../../engine/visor/testing.ts";
import type { VirtualNetwork } from "../../kernel/virtual-network.ts";
import host from "./host.ts";

interface Station {
  readonly switch: "left" | "right";
  readonly vlan: number;
  readonly address: string;
  readonly mac: string;
}

const stations: Readonly<Record<string, Station>> = {
  a: { switch: "left", vlan: 10, address: "192.0.2.1", mac: "02:00:00:00:00:0a" },
  b: { switch: "right", vlan: 10, address: "192.0.2.2", mac: "02:00:00:00:00:0b" },
  c: { switch: "left", vlan: 20, address: "192.0.2.3", mac: "02:00:00:00:00:0c" },
  d: { switch: "right", vlan: 20, address: "192.0.2.4", mac: "02:00:00:00:00:0d" },
  e: { switch: "right", vlan: 10, address: "192.0.2.5", mac: "02:00:00:00:00:0e" },
};
const trunk: JsonObject = { mode: "trunk", allowed: "10,20" };

/** Two switches with a wire between them, a trunk, and hosts on access ports of two VLANs. */
function network(hook: PipelineHook): VirtualNetwork {
  const wires = Object.entries(stations).map(([name, { address, mac }]) => {
    return [
      { host: name, device: "eth0", addresses: [`${address}/24`], mac },
      { host: "middle", device: `lan-${name}` },
    ] as const;
  });
  const between = [
    { host: "middle", device: "left" },
    { host: "middle", device: "right" },
  ] as const;
  const net = testNetwork({ wires: [...wires, between], resolveNeighbours: true });
  // A veth takes redirected frames while its other end has a queue for them.
  if (hook === "xdp")
    for (const name of Object.keys(stations)) net.host(name).exec("ethtool", ["-K", "eth0", "gro", "on"]);
  return net;
}

async function model(net: VirtualNetwork, hook: PipelineHook): Promise<Model> {
  const kind = { kind: "switch", module: await switchModule(), host, fingerprint: "switch" };
  const names = Object.keys(stations);
  const instances = (["left", "right"] as const).map((name) => {
    const own = names.filter((one) => stations[one]!.switch === name);
    const ports = own.map((one) => ({ name: one, config: { vlan: stations[one]!.vlan } }));
    return { name, function: kind, config: {}, ports: [...ports, { name: "trunk", config: trunk }] };
  });
  return {
    instances,
    devices: [...names.map((name) => `lan-${name}`), "left", "right"].map((name) =>
      deviceOf(net.host("middle"), name, hook),
    ),
    links: links(
      ...names.map((name) => `dev:lan-${name} -> ${stations[name]!.switch}.${name}`),
      "dev:left -> left.trunk",
      "dev:right -> right.trunk",
    ),
  };
}

function reaches(net: VirtualNetwork, from: string, to: string): boolean {
  try {
    net.host(from).exec("ping", ["-c", "2", "-i", "0.2", "-W", "1", stations[to]!.address], 8000);
    return true;
  } catch {
    return false;
  }
}

let count = 0;

class TestGraph extends RunningGraph {
  constructor() {
    super(`iovtest${process.pid}s${count++}`);
  }

  override [Symbol.dispose](): void {
    this.detachAll();
    super[Symbol.dispose]();
    this.dataPath.pins.removeAll();
  }
}

/** What a switch learned, as people see it, by address and VLAN. */
function learned(graph: RunningGraph, current: Model, name: string): ReadonlyMap<string, TableRow> {
  const { declaration, map } = graph.map(name, "fdb")!;
  const { view } = graph.prepare(current).numbered.instances.get(name)!;
  const fdb = host.tableViews!.find((one) => one.map === "fdb")!;
  const context = { instance: view, ticks: kernelTicks() };
  const entries = new TypedMap<TableEntry["key"], TableEntry["value"]>(declaration, map).entries();
  const rows = [...entries].map(([key, value]) => fdb.show({ key, value }, context)).filter((row) => row !== undefined);
  return new Map(rows.map((row) => [`${row["mac"]} ${row["vlan"]}`, row]));
}

for (const hook of ["tcx", "xdp"] satisfies PipelineHook[]) {
  const options = { skip: skipWithoutNetwork, timeout: 90_000 };

  test(`hosts reach their own VLAN and no other, over a trunk as well (${hook})`, options, async () => {
    using net = network(hook);
    using graph = new TestGraph();
    const current = await model(net, hook);
    await graph.apply(graph.prepare(current));
    assert.ok(reaches(net, "b", "e"), "within a VLAN");
    assert.ok(reaches(net, "a", "b"), "over the trunk in VLAN 10");
    assert.ok(reaches(net, "c", "d"), "over the trunk in VLAN 20");
    assert.ok(!reaches(net, "a", "c"), "from VLAN 10 to VLAN 20");
    assert.ok(!reaches(net, "a", "d"), "from VLAN 10 to VLAN 20 over the trunk");
    const right = learned(graph, current, "right");
    for (const [name, { vlan, mac, switch: of }] of Object.entries(stations)) {
      const row = right.get(`${mac} ${vlan}`);
      assert.equal(row?.["port"], of === "right" ? name : "trunk");
      assert.ok(Number(row?.["age"]) < 60);
    }
  });

  test(`a station that moves is found at its new port (${hook})`, options, async () => {
    using net = network(hook);
    using graph = new TestGraph();
    const current = await model(net, hook);
    await graph.apply(graph.prepare(current));
    assert.ok(reaches(net, "a", "b"));
    const { mac, address } = stations["a"]!;
    // "e" takes over what "a" was known by.
    net.host("a").exec("ip", ["link", "set", "eth0", "down"]);
    const ip = (...args: readonly string[]) => net.host("e").exec("ip", args);
    ip("link", "set", "eth0", "down");
    ip("link", "set", "eth0", "address", mac, "up");
    ip("address", "add", `${address}/24`, "dev", "eth0");
    assert.ok(reaches(net, "e", "b"));
    const row = learned(graph, current, "right").get(`${mac} 10`);
    assert.deepEqual([row?.["port"], row?.["moves"]], ["e", 1]);
  });
}
