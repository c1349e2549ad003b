import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import type { IncomingMessage } from "node:http";
import { test } from "node:test";
import { skipWithoutNetwork, testNetwork } from "../../test/network/network.ts";
import { buildPacket } from "../capture/packet.ts";
import { hasFeature, readFeatures, setFeatures } from "../kernel/ethtool.ts";
import { PacketSocket } from "../kernel/packet-socket.ts";
import { open, TestDaemon, TestFolder } from "./testing.ts";

const options = { skip: skipWithoutNetwork, timeout: 120_000 };

function network() {
  const wire = (host: string, device: string) =>
    [
      { host, device: "eth0" },
      { host: "middle", device },
    ] as const;
  return testNetwork({ wires: [wire("a", "lan1"), wire("b", "lan2")] });
}

function graphOn(netns: string, folder: TestFolder) {
  return {
    functions: { m: { kind: folder.marker, config: { mark: 3 } } },
    devices: { lan1: { name: "lan1", netns }, lan2: { name: "lan2", netns } },
    links: ["dev:lan1 -> m.inside", "m.outside -> dev:lan2"],
  };
}

/** Server-sent events as they come. */
async function* eventsOf(
  response: IncomingMessage,
): AsyncGenerator<{ kind: string; id: number; data: Record<string, unknown>; instance?: string }> {
  response.setEncoding("utf8");
  let rest = "";
  for await (const chunk of response) {
    const blocks = (rest + chunk).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const fields = new Map(
        block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
      );
      const data = fields.get("data");
      if (data !== undefined) yield { ...JSON.parse(data), id: Number(fields.get("id")) };
    }
  }
}

test("counters, metrics and drops tell what packets did", options, async () => {
  using folder = new TestFolder();
  using net = network();
  await using daemon = await TestDaemon.start(folder);
  const netns = net.host("middle").namespace.name!;
  const body = graphOn(netns, folder);
  assert.equal((await daemon.request("PUT", "/v1/graph", { body })).status, 200);
  using a = new PacketSocket("eth0", net.host("a").namespace);
  using b = new PacketSocket("eth0", net.host("b").namespace);
  const frame = buildPacket("eth / ip 192.0.2.1 > 192.0.2.2 / udp 1 > 2 / payload 18");
  for (let sent = 0; sent < 10; sent++) a.send(frame);
  for (let received = 0; received < 10; received++) assert.ok(await b.next(2000));
  a.send(buildPacket("eth type 0x88b5 / payload 46"));
  const counters = async () => (await daemon.get("/v1/instances/m/counters")).body;
  for (let tries = 0; tries < 100 && (await counters()).drops[1].packets < 1; tries++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  const { ports, drops } = await counters();
  assert.equal(ports.outside.outPackets, 10);
  assert.equal(ports.outside.outBytes, 10 * frame.length);
  assert.ok(ports.inside.inPackets >= 11, JSON.stringify({ ports, drops }));
  assert.equal(drops.find(({ reason }: { reason: string }) => reason === "notIpv4").packets >= 1, true);
  const metrics = (await daemon.get("/metrics")).text;
  assert.match(metrics, /^iovisor_port_packets_total\{instance="m",port="outside",direction="out"\} 10$/m);
  assert.match(metrics, /^iovisor_dropped_packets_total\{instance="m",reason="notIpv4"\} [1-9]/m);
  assert.match(metrics, /^iovisor_pipeline_verified_instructions\{pipeline="tcx:m"\} [1-9]\d+$/m);
  assert.match(metrics, /^iovisor_apply_seconds_count 1$/m);
  const instance = (await daemon.get("/v1/instances/m")).body;
  assert.deepEqual(
    instance.ports.map((port: { link: string; device: { name: string } }) => [port.link, port.device.name]),
    [
      ["dev:lan1", "lan1"],
      ["dev:lan2", "lan2"],
    ],
  );
  assert.deepEqual(instance.pipelines, ["tcx:m"]);
  const devices = (await daemon.get("/v1/devices")).body.devices;
  assert.deepEqual(devices.find((one: { name: string }) => one.name === "lan1").attached, ["tcx-ingress"]);
});

test("every metric has its help, its type and samples in the form that Prometheus reads", options, async () => {
  using folder = new TestFolder();
  await using daemon = await TestDaemon.start(folder);
  const { text } = await daemon.get("/metrics");
  const names = new Set<string>();
  for (const line of text.trimEnd().split("\n")) {
    const comment = /^# (HELP|TYPE) (?<name>[a-z_]+) (.+)$/.exec(line);
    if (comment) {
      names.add(comment.groups!["name"]!);
      continue;
    }
    const sample = /^(?<name>[a-z_]+)(\{([a-z]+="[^"]*",?)*\})? (\d+(\.\d+)?(e[+-]?\d+)?)$/.exec(line);
    assert.ok(sample, line);
    assert.ok(names.has(sample.groups!["name"]!.replace(/_(bucket|sum|count)$/, "")), line);
  }
});

test("pipelines are shown: functions, cuts, source, IR, bytecode", options, async () => {
  using folder = new TestFolder();
  using net = network();
  await using daemon = await TestDaemon.start(folder);
  const body = graphOn(net.host("middle").namespace.name!, folder);
  await daemon.request("PUT", "/v1/graph", { body });
  const { pipelines } = (await daemon.get("/v1/pipelines")).body;
  assert.deepEqual(
    pipelines.map(({ key, functions }: { key: string; functions: unknown }) => [key, functions]),
    [["tcx:m", ["m"]]],
  );
  assert.ok(pipelines[0].program.verifiedInstructions > 20);
  assert.match((await daemon.get("/v1/pipelines/tcx:m/source")).text, /forward\(packet\.port === ports\.inside/);
  assert.match((await daemon.get("/v1/pipelines/tcx:m/ir")).text, /^program /m);
  assert.match((await daemon.get("/v1/pipelines/tcx:m/bytecode")).text, /^; kernel\.ts:\d+: .*notIpv4.*\n +\d+: /m);
});

test("events tell of revisions, reports and devices, and the data path follows the devices", options, async () => {
  using folder = new TestFolder();
  using net = network();
  await using daemon = await TestDaemon.start(folder);
  const netns = net.host("middle").namespace.name!;
  const response = await open(daemon.socket, "GET", "/v1/events");
  const events = eventsOf(response);
  const next = async (kind: string) => {
    for await (const event of { [Symbol.asyncIterator]: () => ({ next: () => events.next() }) })
      if (event.kind === kind) return event;
    throw new Error(`no event ${kind}`);
  };
  await daemon.request("PUT", "/v1/graph", { body: graphOn(netns, folder) });
  const report = await next("report");
  assert.deepEqual([report.instance, report.data["kind"]], ["m", "started"]);
  const revision = await next("revision");
  assert.equal(revision.data["number"], 1);
  execFileSync("ip", ["-n", netns, "link", "del", "lan2"]);
  assert.deepEqual((await next("devices")).data["devices"], [
    { alias: "lan1", name: "lan1", netns, present: true },
    { alias: "lan2", name: "lan2", netns, present: false },
  ]);
  execFileSync("ip", [
    "-n",
    netns,
    "link",
    "add",
    "lan2",
    "type",
    "veth",
    "peer",
    "name",
    "eth0",
    "netns",
    net.host("b").namespace.name!,
  ]);
  execFileSync("ip", ["-n", netns, "link", "set", "lan2", "up"]);
  execFileSync("ip", ["-n", net.host("b").namespace.name!, "link", "set", "eth0", "up"]);
  for (let present = 0; present < 2; ) {
    const { devices } = (await next("devices")).data as { devices: readonly { present: boolean }[] };
    present = devices.filter((one) => one.present).length;
  }
  using a = new PacketSocket("eth0", net.host("a").namespace);
  using b = new PacketSocket("eth0", net.host("b").namespace);
  const frame = buildPacket("eth / ip 192.0.2.1 > 192.0.2.2 / udp 1 > 2 / payload 18");
  let arrived = false;
  for (let tries = 0; tries < 20 && !arrived; tries++) {
    a.send(frame);
    arrived = (await b.next(200)) !== undefined;
  }
  assert.ok(arrived);
  const later = await open(daemon.socket, "GET", "/v1/events", { headers: { "last-event-id": String(revision.id) } });
  const first = (await eventsOf(later).next()).value!;
  assert.equal(first.id, revision.id + 1);
  later.destroy();
  response.destroy();
});

test("what was set again on a device behind an apply is an event", options, async () => {
  using folder = new TestFolder();
  using net = network();
  await using daemon = await TestDaemon.start(folder);
  const netns = net.host("middle").namespace.name!;
  const device = (name: string) => ({ name, netns, hook: "xdp" });
  const graph = graphOn(netns, folder);
  const body = (mark: number) => ({
    ...{ ...graph, devices: { lan1: device("lan1"), lan2: device("lan2") } },
    functions: { m: { ...graph.functions.m, config: { mark } } },
  });
  assert.equal((await daemon.request("PUT", "/v1/graph", { body: body(1) })).status, 200);
  setFeatures("eth0", { txVlan: true }, net.host("a").namespace);
  const response = await open(daemon.socket, "GET", "/v1/events");
  const { status, body: applied } = await daemon.request("PUT", "/v1/graph", { body: body(2) });
  assert.deepEqual([status, applied.warnings], [200, []]);
  for await (const { kind, data } of eventsOf(response)) {
    if (kind !== "warning") continue;
    assert.match(String(data["message"]), /txvlan off .* on eth0, the other end of lan1, until it is detached/);
    break;
  }
  assert.equal(hasFeature(readFeatures("eth0", net.host("a").namespace), "txVlan"), false);
});

test("streams of events end when the daemon ends", options, async () => {
  using folder = new TestFolder();
  const daemon = await TestDaemon.start(folder);
  const response = await open(daemon.socket, "GET", "/v1/events");
  const ended = (async () => {
    for await (const _ of response);
  })();
  const started = performance.now();
  await daemon[Symbol.asyncDispose]();
  await ended;
  assert.ok(performance.now() - started < 2000);
});
