import assert from "node:assert/strict";
import { test } from "node:test";
import { skipWithoutNetwork, testNetwork } from "../../../test/network/network.ts";
import { buildPacket } from "../../capture/packet.ts";
import { KernelMap } from "../../kernel/maps.ts";
import { PacketSocket } from "../../kernel/packet-socket.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import { Observation, type ObservedPacket } from "../visor/observe.ts";
import { deviceOf, functionOf, instance, links, TestGraph } from "../visor/testing.ts";
import { brief, Line, take } from "./testing.ts";
import { renderTrace, tracePackets } from "./trace.ts";

const options = { skip: skipWithoutNetwork, timeout: 60_000 };
const udp = (port: number): string => `eth / ip 192.0.2.1 > 192.0.2.2 / udp 1 > ${port} / payload "0123456789"`;
const hooks = ["tcx", "xdp"] satisfies PipelineHook[];

for (const hook of hooks) {
  test(`ports tell what comes in with its verdict, what leaves and what is dropped (${hook})`, options, async () => {
    await using line = await Line.make(hook);
    await using observation = await line.visor.observe({
      ports: [
        { instance: "g2", port: "inside", what: ["in"] },
        { instance: "g1", what: ["out"] },
      ],
    });
    line.send(udp(7), udp(9));
    const seen = await take(observation, 6);
    assert.deepEqual(seen.map(brief), [
      "g1.inside out outside",
      "g2.inside in",
      "g2.inside out outside",
      "g1.inside out outside",
      "g2.inside in",
      "g2.inside drop unwanted",
    ]);
    assert.deepEqual(
      seen.map(({ bytes }) => bytes[11]),
      [1, 1, 2, 1, 1, 2],
    );
    assert.equal(seen[1]!.id, seen[2]!.id);
    assert.notEqual(seen[1]!.id, seen[4]!.id);
    assert.ok(Math.abs(Number(seen[0]!.timestamp / 1_000_000n) - Date.now()) < 5000);
    assert.equal(observation.lost, 0n);
  });

  test(`what is dropped can be looked at alone, as much of it as is asked for (${hook})`, options, async () => {
    await using line = await Line.make(hook);
    await using observation = await line.visor.observe({
      ports: [{ instance: "g2", port: "inside", what: ["dropped"] }],
      snapBytes: 20,
    });
    line.send(udp(7), udp(9), udp(7));
    const [dropped, ...more] = await take(observation, 2, 300);
    assert.deepEqual(more, []);
    assert.equal(brief(dropped!), "g2.inside drop unwanted");
    assert.deepEqual([dropped!.id, dropped!.length, dropped!.bytes.length], [0n, buildPacket(udp(9)).length, 20]);
  });

  test(`a trace follows a packet over tail calls, whatever functions make of it (${hook})`, options, async () => {
    await using line = await Line.make(hook, 10);
    assert.equal(line.visor.prepared!.pipelines.length > 2, true);
    await using observation = await line.visor.observe({ filter: "ip 192.0.2.1 udp", snapBytes: 256 });
    line.send("eth / ip 192.0.2.3 > 192.0.2.2 / udp 1 > 9", udp(7), udp(9));
    const [passed, dropped] = await take(tracePackets(observation), 2);
    const names = Array.from({ length: 10 }, (_, index) => `g${index + 1}`);
    assert.deepEqual(
      passed!.steps.map(({ instance }) => instance),
      names,
    );
    assert.deepEqual(passed!.steps.at(-1)!.outcome, { kind: "out", port: "outside", to: "device" });
    assert.match(passed!.packet, /^eth 02:00:00:00:00:01 > .*udp 1 > 7/);
    assert.match(passed!.steps[4]!.rewritten!, /^eth 02:00:00:00:00:05/);
    assert.equal(passed!.complete, true);
    assert.match(
      renderTrace(dropped!),
      /├─ g1\.inside: forwarded to outside[\s\S]*└─ g10\.inside: dropped: unwanted \(UDP/,
    );
  });

  test(`looking comes and goes under traffic, and nothing else changes (${hook})`, options, async () => {
    await using line = await Line.make(hook);
    const frame = buildPacket(udp(7));
    const expected = frame.slice();
    expected[11] = 2;
    const [perRound, rounds] = [100, 8];
    const received: Uint8Array[] = [];
    let observed = 0;
    const records = line.visor.running.record.pipelines;
    for (let round = 0; round < rounds; round++) {
      for (let sent = 0; sent < perRound / 2; sent++) line.a.send(frame);
      const observation = await line.visor.observe({ ports: [{ instance: "g1", what: ["in", "out"] }] });
      for (let sent = 0; sent < perRound / 2; sent++) line.a.send(frame);
      received.push(...line.b.drain().map(({ data }) => data));
      await observation.stop();
      for await (const one of observation) observed += one.outcome.kind === "in" ? 1 : 0;
    }
    for (let tries = 0; tries < 100 && received.length < perRound * rounds; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      received.push(...line.b.drain().map(({ data }) => data));
    }
    assert.equal(received.length, perRound * rounds);
    assert.equal(
      received.every((data) => Buffer.compare(data, expected) === 0),
      true,
    );
    assert.equal(observed, (perRound / 2) * rounds);
    assert.equal(line.seen("g1"), BigInt(perRound * rounds));
    assert.equal((await line.visor.revisions()).length, 1);
    // The programs are those of before, not merely such as do the same.
    assert.deepEqual(line.visor.running.record.pipelines, records);
  });
}

test("a ring that nobody reads loses records, counts them, and lets packets pass", options, async () => {
  await using line = await Line.make("tcx");
  await using observation = await line.visor.observe({
    ports: [{ instance: "g1", port: "inside", what: ["in"] }],
    bufferBytes: 65536,
  });
  const frame = buildPacket(udp(7));
  for (let sent = 0; sent < 100; sent++) line.a.send(frame);
  assert.equal((await take(lineOf(line), 100)).length, 100);
  const { lost } = observation;
  const seen = await take(observation, 200, 300);
  assert.ok(seen.length > 20 && seen.length < 40, String(seen.length));
  assert.equal(lost, 200n - BigInt(seen.length));
});

/** What arrives at the other end. */
async function* lineOf(line: Line): AsyncGenerator<Uint8Array> {
  for (let frame = await line.b.next(500); frame; frame = await line.b.next(500)) yield frame.data;
}

test("several look at once, each with what it asked for; more than can be are refused", options, async () => {
  await using line = await Line.make("tcx");
  const requests = ["udp 7", "udp 9", "arp", undefined].map((filter) => (filter === undefined ? {} : { filter }));
  await using stack = new AsyncDisposableStack();
  const observations = [];
  for (const request of requests) observations.push(stack.use(await line.visor.observe(request)));
  await assert.rejects(line.visor.observe({}), { code: "E_BUSY" });
  line.send(udp(7), udp(9));
  const seen: ObservedPacket[][] = await Promise.all(observations.map((one) => take(one, 10, 300)));
  assert.deepEqual(
    seen.map((packets) => packets.map(brief).join(", ")),
    [
      "g1.inside in, g1.inside out outside, g2.inside out outside",
      "g1.inside in, g1.inside out outside, g2.inside drop unwanted",
      "",
      "g1.inside in, g1.inside out outside, g2.inside out outside, g1.inside in, g1.inside out outside, g2.inside drop unwanted",
    ],
  );
  await observations[1]!.stop();
  await using again = await line.visor.observe({ filter: "udp 9" });
  line.send(udp(9));
  assert.equal((await take(again, 3)).length, 3);
});

test("looking goes on over an apply that changes the graph", options, async () => {
  await using line = await Line.make("tcx");
  await using observation = await line.visor.observe({ filter: "udp" });
  await line.visor.edit((graph) => {
    const { g1 } = graph.functions;
    return { ...graph, functions: { ...graph.functions, g1: { ...g1!, config: { mark: 77 } } } };
  });
  line.send(udp(7));
  const seen = await take(observation, 3);
  assert.equal(seen[1]!.bytes[11], 77);
});

test("what the graph does not have, and sizes that do not fit, are refused", options, async () => {
  await using line = await Line.make("tcx");
  const { visor } = line;
  const ports = [{ instance: "g1", port: "nowhere", what: ["in"] as const }];
  await assert.rejects(visor.observe({ ports }), { message: /"g1" has no port "nowhere"/ });
  await assert.rejects(visor.observe({ ports: [{ instance: "g9", what: ["in"] }] }), { message: /no instance "g9"/ });
  await assert.rejects(visor.observe({ snapBytes: 0 }), { code: "E_USAGE" });
  await assert.rejects(visor.observe({ bufferBytes: 65537 }), { code: "E_USAGE" });
  await assert.rejects(visor.observe({ filter: "tcp udp" }), { code: "E_USAGE" });
  assert.deepEqual(visor.running.taps.requests, []);
});

/** Whether the maps of a visor's taps are in the kernel still: they go when nothing refers to them any more. */
function tapMaps(line: Line): () => Promise<boolean> {
  const { taps } = line.visor.running;
  const ids = Object.values(taps.named(taps.requests.map((tap) => ({ ...tap, follows: true, points: {} })))).map(
    (map) => map.info().id,
  );
  assert.equal(ids.length, 2);
  const there = (id: number): boolean => {
    try {
      KernelMap.fromId(id).close();
      return true;
    } catch {
      return false;
    }
  };
  return async () => {
    for (let tries = 0; tries < 100 && ids.some(there); tries++)
      await new Promise((resolve) => setTimeout(resolve, 20));
    return ids.some(there);
  };
}

test("nothing of it is in the kernel when it has ended", options, async () => {
  await using line = await Line.make("xdp");
  const observation = await line.visor.observe({});
  const left = tapMaps(line);
  await observation.stop();
  assert.equal(await left(), false);
  assert.equal((await observation.next()).done, true);
});

test("a visor that ends while somebody looks leaves the graph at work as it was", options, async () => {
  await using line = await Line.make("tcx");
  const before = line.visor.running.record.pipelines;
  const observation = await line.visor.observe({});
  assert.notDeepEqual(line.visor.running.record.pipelines, before);
  const left = tapMaps(line);
  await line.reopen();
  assert.deepEqual(line.visor.running.record.pipelines, before);
  assert.equal(await left(), false);
  assert.equal((await observation.next()).done, true);
  line.send(udp(7));
  assert.equal((await line.b.next(2000))?.data[11], 2);
});

test("after a process that died while it looked, the next one ends the looking", options, async () => {
  await using line = await Line.make("tcx");
  const before = line.visor.running.record.pipelines;
  await line.visor.observe({});
  const left = tapMaps(line);
  await line.reopen({ died: true });
  assert.deepEqual(line.visor.running.record.pipelines, before);
  line.visor.running.settle();
  assert.equal(await left(), false);
  line.send(udp(7));
  assert.equal((await line.b.next(2000))?.data[11], 2);
});

/** Floods what comes to all but the port that it came in on, tagged for those that want tags. */
const hub = functionOf(
  "hub",
  `import { dynamicPorts, flood, onPacket } from "iovisor/kernel";
export const ports = dynamicPorts({ maximum: 8 });
export default onPacket(() => flood(7, 5));`,
  {
    floodGroups: ({ ports }) => [
      { group: 7, members: ports.map(({ number, name }) => ({ port: number, tagged: name === "tagged" })) },
    ],
  },
);

for (const hook of hooks) {
  test(`flooded packets leave by the ports of their group (${hook})`, options, async () => {
    const names = ["one", "two", "tagged"];
    const ends = names.map(
      (name) =>
        [
          { host: name, device: "eth0" },
          { host: "middle", device: name },
        ] as const,
    );
    using net = testNetwork({ wires: ends });
    using graph = new TestGraph();
    const tap = graph.taps.open({
      ports: [{ instance: "hub", port: "tagged", what: ["out"] }],
      ...{ filter: undefined, snapBytes: 128, ringBytes: 65536 },
    });
    const model = {
      instances: [instance("hub", hub, names)],
      devices: names.map((name) => deviceOf(net.host("middle"), name, hook)),
      links: names.flatMap((name) => links(`dev:${name} -> hub.${name}`)),
    };
    const prepared = graph.prepare(model);
    await graph.apply(prepared);
    await using observation = new Observation(
      tap,
      () => prepared,
      async () => graph.taps.remove(tap),
    );
    using sender = new PacketSocket("eth0", net.host("one").namespace);
    sender.send(buildPacket(udp(7)));
    const [seen] = await take(observation, 1);
    assert.deepEqual(seen!.outcome, {
      ...{ kind: "flood", group: 7 },
      ports: [
        { port: "two", tag: undefined },
        { port: "tagged", tag: 5 },
      ],
    });
  });
}
