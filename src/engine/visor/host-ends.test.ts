import assert from "node:assert/strict";
import { test } from "node:test";
import { skipWithoutNetwork, testNetwork, type VirtualNetwork } from "../../../test/network/network.ts";
import { buildPacket } from "../../capture/packet.ts";
import { findDevice } from "../../kernel/devices.ts";
import { setNeighbour } from "../../kernel/netlink/neighbours.ts";
import { graphReason } from "../pipeline/reasons.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import type { GraphFunction } from "./function.ts";
import type { Model, ModelDevice } from "./model.ts";
import { deviceOf, functionOf, instance, links, TestGraph } from "./testing.ts";

const options = { skip: skipWithoutNetwork, timeout: 60_000 };

const wire = functionOf(
  "wire",
  `import { arrayMap, config, Drop, fixedPorts, forward, onPacket, u64, u8 } from "iovisor/kernel";
export const ports = fixedPorts("inside", "outside");
export const settings = config({ closed: u8.default(0, "drops everything") });
export const seen = arrayMap({ value: u64, maxEntries: 1 });
export default onPacket((packet) => {
  const count = seen.ref(0);
  if (count) count.value += 1n;
  return settings.closed > 0 ? Drop : forward(1 - packet.port);
});`,
);

const toHost = functionOf(
  "to-host",
  `import { fixedPorts, onPacket, Pass } from "iovisor/kernel";
export const ports = fixedPorts("inside");
export default onPacket(() => Pass);`,
);

const up = functionOf(
  "up",
  `import { fixedPorts, forward, onPacket } from "iovisor/kernel";
export const ports = fixedPorts("a", "b", "host");
export default onPacket((packet) => forward(packet.port === ports.host ? ports.a : ports.host));`,
);

const hub = functionOf(
  "hub",
  `import { fixedPorts, flood, onPacket } from "iovisor/kernel";
export const ports = fixedPorts("a", "b", "host");
export default onPacket(() => flood(0, 0));`,
  { floodGroups: () => [{ group: 0, members: [0, 1, 2].map((port) => ({ port, tagged: false })) }] },
);

const between = (name: string, closed = 0) => instance(name, wire, ["inside", "outside"], { closed });

/** "middle" has 192.0.2.9 on lan1; "a" is behind it, "b" behind lan2, "c" behind lan3. */
function network(resolveNeighbours = false): VirtualNetwork {
  const end = (host: string, number: number) =>
    [
      { host, device: "eth0", addresses: [`192.0.2.${number}/24`] },
      { host: "middle", device: `lan${number}`, ...(number === 1 ? { addresses: ["192.0.2.9/24"] } : {}) },
    ] as const;
  return testNetwork({ wires: [end("a", 1), end("b", 2), end("c", 3)], resolveNeighbours });
}

function model(
  net: VirtualNetwork,
  instances: Model["instances"],
  texts: readonly string[],
  hook: PipelineHook = "tcx",
): Model {
  const named = new Set(texts.flatMap((text) => [...text.matchAll(/(?:dev|host):(\w+)/g)].map(([, name]) => name!)));
  const devices: ModelDevice[] = [...named].map((name) => deviceOf(net.host("middle"), name, hook));
  return { instances, devices, links: links(...texts) };
}

function seen(graph: TestGraph, name: string): number {
  const [[, value] = []] = [...graph.map(name, "seen")!.map.entries()];
  return Number(new DataView(value!.buffer, value!.byteOffset).getBigUint64(0, true));
}

function pings(net: VirtualNetwork, from: string, to: string): boolean {
  try {
    net.host(from).exec("ping", ["-c", "2", "-i", "0.1", "-W", "1", to]);
    return true;
  } catch {
    return false;
  }
}

for (const hook of ["tcx", "xdp"] satisfies PipelineHook[]) {
  test(`what the host sends and gets on a device goes through the function between (${hook})`, options, async () => {
    using net = network();
    using graph = new TestGraph();
    const texts = ["host:lan1 -> f.inside", "f.outside -> dev:lan1"];
    await graph.applyModel(model(net, [between("f")], texts, hook));
    assert.equal(pings(net, "middle", "192.0.2.1"), true);
    assert.equal(pings(net, "a", "192.0.2.9"), true);
    assert.equal(seen(graph, "f"), 8);
    await graph.applyModel(model(net, [between("f", 1)], texts, hook));
    assert.equal(pings(net, "middle", "192.0.2.1"), false);
    assert.equal(seen(graph, "f") > 8, true);
  });
}

test(
  "packets from another device reach the stack as received on the host end's, past its own entry",
  options,
  async () => {
    using net = network();
    const middle = net.host("middle");
    using netlink = net.host("b").netlink();
    setNeighbour(netlink, "eth0", "192.0.2.9", findDevice("lan1", middle.namespace).address!);
    using back = middle.netlink();
    setNeighbour(back, "lan1", "192.0.2.2", findDevice("eth0", net.host("b").namespace).address!);
    using graph = new TestGraph();
    const instances = [between("f"), between("closed", 1)];
    const texts = ["dev:lan2 -> f.inside", "f.outside -> host:lan1", "dev:lan1 -> closed.inside"];
    await graph.applyModel(model(net, instances, texts));
    assert.equal(pings(net, "b", "192.0.2.9"), true);
    assert.deepEqual([seen(graph, "f"), seen(graph, "closed")], [4, 0]);
    assert.equal(pings(net, "a", "192.0.2.9"), false);
    assert.deepEqual([seen(graph, "f"), seen(graph, "closed")], [4, 2]);
  },
);

test("what the graph forwards out of a device does not enter again by the host end of it", options, async () => {
  using net = network();
  using graph = new TestGraph();
  const instances = [between("f"), between("closed", 1)];
  const texts = ["dev:lan1 -> f.inside", "f.outside -> dev:lan2", "host:lan2 -> closed.inside"];
  await graph.applyModel(model(net, instances, texts));
  using a = net.host("a").packets("eth0");
  using b = net.host("b").packets("eth0");
  const frame = buildPacket("eth / ip 192.0.2.1 > 192.0.2.2 / udp 1 > 2 / payload 18");
  a.send(frame);
  assert.deepEqual((await b.next(1000))?.data, frame);
  assert.equal(seen(graph, "closed"), 0);
  net.host("middle").exec("sh", ["-c", "ip addr add 198.51.100.1/24 dev lan2; ping -c 1 -W 0.2 198.51.100.2 || true"]);
  assert.equal(seen(graph, "closed") > 0, true);
});

test(
  'a host end that says "to the host" of what the host sent turns it round; the wire sees nothing',
  options,
  async () => {
    using net = network();
    using graph = new TestGraph();
    await graph.applyModel(model(net, [instance("p", toHost, ["inside"])], ["host:lan1 -> p.inside"]));
    using wireSide = net.host("a").packets("eth0");
    assert.equal(pings(net, "middle", "192.0.2.1"), false);
    assert.deepEqual(wireSide.drain(), []);
  },
);

test("floods reach the host", options, async () => {
  using net = network(true);
  using graph = new TestGraph();
  const texts = ["dev:lan3 -> s.a", "dev:lan2 -> s.b", "host:lan1 -> s.host"];
  await graph.applyModel(model(net, [instance("s", hub, ["a", "b", "host"])], texts));
  assert.equal(pings(net, "c", "192.0.2.9"), true);
  assert.equal(pings(net, "middle", "192.0.2.2"), true);
  assert.equal(pings(net, "b", "192.0.2.3"), true);
});

test("graphs that the hooks cannot do are refused", options, async () => {
  using net = network();
  using graph = new TestGraph();
  const refused = async (of: GraphFunction, ports: readonly string[], texts: readonly string[], message: RegExp) =>
    await assert.rejects(graph.applyModel(model(net, [instance("f", of, ports)], texts, "xdp")), {
      code: "E_GRAPH",
      message,
    });
  await refused(
    wire,
    ["inside", "outside"],
    ["dev:lan1 -> f.inside", "f.outside -> host:lan2"],
    /devices\.lan2: packets from 'dev:lan1' cannot reach 'host:lan2': at XDP/,
  );
  await refused(
    hub,
    ["a", "b", "host"],
    ["dev:lan1 -> f.a", "dev:lan2 -> f.b", "host:lan1 -> f.host"],
    /'f' floods, and 'host:lan1' is one of its ports/,
  );
  const apart = model(net, [between("f")], ["dev:lan1 -> f.inside"]);
  const other = deviceOf(net.host("a"), "eth0", "tcx");
  const across = {
    ...apart,
    devices: [...apart.devices, other],
    links: links("dev:lan1 -> f.inside", "f.outside -> dev:eth0"),
  };
  await assert.rejects(graph.applyModel(across), {
    message: /devices\.eth0: 'dev:eth0' is in namespace '.*a', and 'dev:lan1' is in namespace '.*middle': at TCX/,
  });
});

test("at XDP what came in on another device than the host end's is dropped and counted", options, async () => {
  using net = network();
  using graph = new TestGraph();
  const texts = ["dev:lan1 -> f.a", "dev:lan2 -> f.b", "host:lan1 -> f.host"];
  const prepared = graph.prepare(model(net, [instance("f", up, ["a", "b", "host"])], texts, "xdp"));
  await graph.apply(prepared);
  const arp = buildPacket("eth 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff / ip 192.0.2.2 > 192.0.2.9 / udp 1 > 2");
  using onLan1 = net.host("middle").packets("lan1");
  for (const from of ["a", "b"]) {
    using socket = net.host(from).packets("eth0");
    socket.send(arp);
  }
  assert.deepEqual((await onLan1.next(1000))?.data.subarray(0, 42), arp.subarray(0, 42));
  const { node } = prepared.numbered.instances.get("f")!;
  const key = new Uint8Array(Uint32Array.of(node.firstReason + graphReason(node.module, "otherHost")).buffer);
  const counts = graph.dataPath.table("drops").lookupPerCpu(key)!;
  const dropped = counts.reduce(
    (sum, bytes) => sum + new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true),
    0n,
  );
  assert.equal(dropped, 1n);
});
