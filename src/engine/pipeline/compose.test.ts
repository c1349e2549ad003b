import assert from "node:assert/strict";
import { test } from "node:test";
import { buildPacket } from "../../capture/packet.ts";
import { compileClean } from "../../compiler/frontend/testing.ts";
import { createMapStore, interpret } from "../../compiler/hir/index.ts";
import type { Module } from "../../compiler/hir/tree.ts";
import { Codec } from "../codec.ts";
import { prepareModule } from "../prepare.ts";
import { composePipeline } from "./compose.ts";
import { cutPipelines, cutsOf, type Pipeline, pipelineKey, stagesOf } from "./cut.ts";
import { graphReason } from "./reasons.ts";
import { Count, metadataSlots, PortCounters, Punt, Scratch, type TableSizes, tableNames } from "./tables.ts";
import type { Node, Peer, Topology } from "./topology.ts";

const sizes: TableSizes = { entries: 16, ports: 64, reasons: 64, pipelines: 16, groups: 16 };

/** Forwards to the other port; drops, punts or passes by the first byte of the payload's port. */
const wire = compileClean(`
import {
  Drop, drop, dropReasons, fixedPorts, forward, metadata, onPacket, Pass, punt, puntReasons, u32, u8,
  type Verdict, type Packet,
} from "iovisor/kernel";
import { Ethernet } from "iovisor/kernel/headers";
export const ports = fixedPorts("left", "right");
export const reasons = dropReasons({ short: "too short", unwanted: "not wanted" });
export const punts = puntReasons({ first: "one", second: "two" });
export const hops = metadata("hops", u32);
const other = (packet: Packet): Verdict => forward(1 - packet.port);
export default onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (!ethernet) return drop(reasons.short);
  hops.set(u32(hops.get() + 1));
  const wanted = ethernet.destination[5];
  const chosen: Verdict = wanted === 1 ? drop(reasons.unwanted) : other(packet);
  if (wanted === 2) return Drop;
  if (wanted === 3) return punt(punts.second);
  if (wanted === 4) return Pass;
  ethernet.source[5] = u8(hops.get());
  return chosen;
});`);

function peer(text: string | undefined): Peer | undefined {
  if (text === undefined) return undefined;
  if (text.startsWith("dev:")) return { kind: "device", device: text.slice(4) };
  const [instance = "", port = ""] = text.split(".");
  return { kind: "port", instance, port: Number(port) };
}

function node(instance: string, id: number, left?: string, right?: string): Node {
  return {
    instance,
    module: prepareModule(wire).module,
    ports: ["left", "right"],
    peers: [peer(left), peer(right)],
    firstPort: id * 4,
    firstReason: id * 16,
    id,
    work: 1000,
  };
}

const topologyOf = (...nodes: readonly Node[]): Topology => new Map(nodes.map((one) => [one.instance, one]));

interface Ran {
  readonly verdict: string;
  /** The last byte of the source address: how many functions the packet went through. */
  readonly hops: number;
  /** Packets out of ports and dropped, by identity. */
  readonly out: Readonly<Record<number, number>>;
  readonly drops: Readonly<Record<number, number>>;
  readonly punted: readonly unknown[];
}

const u32 = (value: number): Uint8Array => new Uint8Array(Uint32Array.of(value).buffer);
const codecs = {
  scratch: new Codec<unknown>(Scratch),
  ports: new Codec<Counters>(PortCounters),
  drops: new Codec<Drops>(Count),
};

interface Counters {
  readonly outPackets: bigint;
}
interface Drops {
  readonly packets: bigint;
}

function pipelineOf(topology: Topology, root: string): { readonly pipeline: Pipeline; readonly module: Module } {
  const pipelines = cutPipelines(topology, [{ instance: root, hook: "xdp" }]);
  const slots = new Map(pipelines.map(({ root }, index) => [pipelineKey("xdp", root.instance), index + 1]));
  const [pipeline] = pipelines;
  const module = composePipeline(pipeline!, { topology, tables: sizes, slots });
  return { pipeline: pipeline!, module: prepareModule(module).module };
}

/** Runs a packet that comes in on a port through the pipeline that begins at an instance. */
function run(topology: Topology, root: string, port: number, wanted: number): Ran {
  const { module } = pipelineOf(topology, root);
  const maps = module.maps.map((map) => createMapStore(map, 1));
  const store = (name: string) => maps[module.maps.findIndex((map) => map.name === name)]!;
  store(tableNames.scratch).update(
    u32(0),
    codecs.scratch.encode({ port, parity: 0, fromHost: 0, unused: 0, metadata: Array(metadataSlots).fill(0n) }),
    0,
    0,
  );
  for (let key = 0; key < sizes.ports; key++) store(tableNames.devices).update(u32(2 * key), u32(100 + key), 0, 0);
  const packet = buildPacket(`eth 02:00:00:00:00:00 > 02:00:00:00:00:0${wanted} / ip / udp 1 > 2`);
  const result = interpret(module.programs[0]!, module, { hook: "xdp", packet, maps });
  const counts = <T>(name: string, codec: Codec<T>, read: (value: T) => bigint) =>
    Object.fromEntries(
      store(name)
        .entries()
        .map(({ key, values }) => [
          new DataView(key.buffer, key.byteOffset).getUint32(0, true),
          Number(read(codec.decode(values[0]!))),
        ])
        .filter(([, count]) => count !== 0),
    );
  return {
    verdict: `${result.verdict!.name}${result.redirect ? ` ${result.redirect.ifindex}` : ""}`,
    hops: result.packet![11]!,
    out: counts(tableNames.ports, codecs.ports, (value) => value.outPackets),
    drops: counts(tableNames.drops, codecs.drops, (value) => value.packets),
    punted: result.events.map(({ bytes }) => new Codec<unknown>(Punt).decode(bytes.slice(0, 16))),
  };
}

/** Forwards to the port that the last byte of the destination says. */
const spread = compileClean(`
import { drop, dropReasons, dynamicPorts, forward, onPacket } from "iovisor/kernel";
import { Ethernet } from "iovisor/kernel/headers";
export const ports = dynamicPorts({ maximum: 8 });
export const reasons = dropReasons({ short: "too short" });
export default onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (!ethernet) return drop(reasons.short);
  return forward(ethernet.destination[5] & 7);
});`);

/** dev:a - m1 - m2 - m3 - dev:b */
const chain = topologyOf(node("m1", 1, "dev:a", "m2.0"), node("m2", 2, "m1.1", "m3.0"), node("m3", 3, "m2.1", "dev:b"));

test("a packet goes through all functions of a chain to the device behind the last", () => {
  assert.deepEqual(run(chain, "m1", 0, 9), {
    verdict: "redirect 113",
    hops: 3,
    out: { 5: 1, 9: 1, 13: 1 },
    drops: {},
    punted: [],
  });
  assert.deepEqual(run(chain, "m3", 1, 9).verdict, "redirect 104");
});

test("what a function drops, punts or leaves to the host ends the chain, and is counted by its reason", () => {
  const ended = { hops: 0, out: {}, punted: [] };
  assert.deepEqual(run(chain, "m1", 0, 1), { ...ended, hops: 1, verdict: "drop", drops: { 18: 1 } });
  assert.deepEqual(run(chain, "m1", 0, 2), { ...ended, verdict: "drop", drops: { 16: 1 } });
  assert.deepEqual(run(chain, "m1", 0, 4), { ...ended, verdict: "pass", drops: {} });
  const punted = [{ instance: 1, reason: 1, port: 0, tag: 0 }];
  assert.deepEqual(run(chain, "m1", 0, 3), { ...ended, verdict: "drop", drops: {}, punted });
});

test("a port without a link, and one that the function lacks, have reasons of their own", () => {
  const alone = topologyOf(node("m1", 0, "dev:a"));
  assert.deepEqual(run(alone, "m1", 0, 9).drops, { [graphReason(wire, "unlinked")]: 1 });
  assert.deepEqual(run(alone, "m1", 7, 9).drops, { [graphReason(wire, "noPort")]: 1 });
});

test("pipelines end at loops, at functions that many share, and where they grow too long; the cuts say why", () => {
  const circle = topologyOf(node("m1", 1, "dev:a", "m2.0"), node("m2", 2, "m1.1", "m1.0"));
  assert.deepEqual(cutsOf(circle, pipelineOf(circle, "m1").pipeline.root), [
    { link: "m2.right -> m1.left", why: "loop" },
  ]);
  assert.deepEqual(run(circle, "m1", 0, 9).drops, { [32 + graphReason(wire, "tooManyHops")]: 1 });
  const names = Array.from({ length: 12 }, (_, index) => `n${index}`);
  const long = topologyOf(
    ...names.map((name, index) =>
      node(name, index, index === 0 ? "dev:a" : `n${index - 1}.1`, index === 11 ? "dev:b" : `n${index + 1}.0`),
    ),
  );
  const { root } = pipelineOf(long, "n0").pipeline;
  assert.equal(stagesOf(root).length, 8);
  assert.deepEqual(
    cutsOf(long, root).filter(({ why }) => why === "length"),
    [{ link: "n7.right -> n8.left", why: "length" }],
  );
  const shared = topologyOf(
    ...["x", "y", "z"].map((name, index) => node(name, index, `dev:${name}`, "s.0")),
    node("s", 3, "x.1", "dev:out"),
  );
  const entrances = ["x", "y", "z"].map((instance) => ({ instance, hook: "xdp" as const }));
  const pipelines = cutPipelines(shared, entrances);
  assert.deepEqual(
    pipelines.map(({ root }) => stagesOf(root).map((stage) => stage.instance)),
    [["x"], ["y"], ["z"], ["s", "x"]],
  );
  assert.deepEqual(cutsOf(shared, pipelines[0]!.root), [{ link: "x.right -> s.left", why: "fan-in" }]);
});

test("each of many ports leads where it is linked to: to a device, on into its pipeline, or nowhere", () => {
  const linked = ["dev:a", "x.0", "y.1", undefined, "z.1", "dev:b", undefined, undefined];
  const hub: Node = {
    instance: "hub",
    module: prepareModule(spread).module,
    ports: linked.map((_, number) => `p${number}`),
    peers: linked.map(peer),
    firstPort: 40,
    firstReason: 40,
    id: 9,
    work: 1000,
  };
  const behind = [node("x", 1, "hub.1", "dev:x"), node("y", 2, "dev:y", "hub.2"), node("z", 3, "dev:z", "hub.4")];
  const topology = topologyOf(hub, ...behind);
  const unlinked = { [40 + graphReason(spread, "unlinked")]: 1 };
  // The interpreter's array of programs is empty: a call into it returns, as one too many does.
  const called = { [40 + graphReason(spread, "tooManyHops")]: 1 };
  const seen = linked.map((_, to) => {
    const { verdict, out, drops } = run(topology, "hub", 0, to);
    return { verdict, out, drops };
  });
  assert.deepEqual(seen, [
    { verdict: "redirect 140", out: { 40: 1 }, drops: {} },
    { verdict: "drop", out: { 41: 1 }, drops: called },
    { verdict: "drop", out: { 42: 1 }, drops: called },
    { verdict: "drop", out: {}, drops: unlinked },
    { verdict: "drop", out: { 44: 1 }, drops: called },
    { verdict: "redirect 145", out: { 45: 1 }, drops: {} },
    { verdict: "drop", out: {}, drops: unlinked },
    { verdict: "drop", out: {}, drops: unlinked },
  ]);
});
