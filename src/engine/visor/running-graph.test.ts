import assert from "node:assert/strict";
import { test } from "node:test";
import { skipWithoutNetwork, testNetwork } from "../../../test/network/network.ts";
import { buildPacket } from "../../capture/packet.ts";
import { PacketSocket } from "../../kernel/packet-socket.ts";
import type { VirtualNetwork } from "../../kernel/virtual-network.ts";
import { usualSizes } from "../datapath/tables.ts";
import { stagesOf } from "../pipeline/cut.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import { mostExpected, TooMuchWork } from "../pipeline/work.ts";
import { noIdentities } from "./identities.ts";
import type { Model } from "./model.ts";
import { type Prepared, Workshop } from "./prepare.ts";
import type { RunningGraph } from "./running-graph.ts";
import { deviceOf, functionOf, instance, links, TestGraph } from "./testing.ts";

/** Passes packets between its two ports and writes its mark into their DSCP. */
const marker = functionOf(
  "marker",
  `import { arrayMap, config, drop, dropReasons, fixedPorts, forward, onPacket, u64, u8 } from "iovisor/kernel";
import { Ethernet, EtherType, Ipv4 } from "iovisor/kernel/headers";
export const ports = fixedPorts("inside", "outside");
export const reasons = dropReasons({ notIpv4: "it is no IPv4 packet" });
export const settings = config({ mark: u8.between(0, 63).default(0, "DSCP") });
export const seen = arrayMap({ value: u64, maxEntries: 1 });
export default onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (ethernet?.type !== EtherType.ipv4) return drop(reasons.notIpv4);
  const ip = packet.at(Ethernet.size, Ipv4);
  if (!ip) return drop(reasons.notIpv4);
  const count = seen.ref(0);
  if (count) count.value += 1n;
  if (settings.mark > 0) ip.dscp = settings.mark;
  return forward(packet.port === ports.inside ? ports.outside : ports.inside);
});`,
);

const bits = Array.from({ length: 13 }, (_, bit) => bit);
const bitTests = bits.map(
  (bit) => `let b${bit}: u32 = 0; if (((word.value >>> ${bit}) & 1) === 1) b${bit} = ${1 << bit};`,
);

/** Each bit that it finds set is a known number of its own: few lines, and many states for the verifier. */
const wearing = functionOf(
  "wearing",
  `import { be32, config, drop, dropReasons, fixedPorts, forward, onPacket, struct, u8 } from "iovisor/kernel";
import type { u32 } from "iovisor/kernel";
export const ports = fixedPorts("inside", "outside");
export const reasons = dropReasons({ worn: "its numbers are the wrong ones" });
export const settings = config({ mark: u8.default(0) });
const Word = struct({ value: be32 });
export default onPacket((packet) => {
  const word = packet.at(0, Word);
  if (!word) return drop(reasons.worn);
  ${bitTests.join("\n  ")}
  if (settings.mark + ${bits.map((bit) => `b${bit}`).join(" + ")} === 4711) return drop(reasons.worn);
  return forward(packet.port === ports.inside ? ports.outside : ports.inside);
});`,
);

const ports = ["inside", "outside"];

function network(): VirtualNetwork {
  return testNetwork({
    wires: [
      [
        { host: "a", device: "eth0" },
        { host: "middle", device: "lan1" },
      ],
      [
        { host: "b", device: "eth0" },
        { host: "middle", device: "lan2" },
      ],
    ],
  });
}

/** Two functions in a row between two devices. */
function chain(net: VirtualNetwork, hook: PipelineHook, mark: number): Model {
  const middle = net.host("middle");
  return {
    instances: [instance("m1", marker, ports, { mark }), instance("m2", marker, ports)],
    devices: [deviceOf(middle, "lan1", hook), deviceOf(middle, "lan2", hook)],
    links: links("dev:lan1 -> m1.inside", "m1.outside -> m2.inside", "m2.outside -> dev:lan2"),
  };
}

function seen(graph: RunningGraph, name: string): bigint {
  const [[, value] = []] = [...graph.map(name, "seen")!.map.entries()];
  return new DataView(value!.buffer, value!.byteOffset).getBigUint64(0, true);
}

const frame = buildPacket("eth / ip 192.0.2.1 > 192.0.2.2 / udp 1 > 2 / payload 18");
/** The DSCP of a frame of IPv4. */
const dscpOf = (data: Uint8Array | undefined): number => data![15]! >> 2;
/** A packet socket at each end. */
class Ends implements Disposable {
  readonly a: PacketSocket;
  readonly b: PacketSocket;

  constructor(net: VirtualNetwork) {
    this.a = new PacketSocket("eth0", net.host("a").namespace);
    this.b = new PacketSocket("eth0", net.host("b").namespace);
  }

  [Symbol.dispose](): void {
    this.a.close();
    this.b.close();
  }
}

function prepare(net: VirtualNetwork, hook: PipelineHook): void {
  if (hook === "xdp") for (const host of ["a", "b"]) net.host(host).exec("ethtool", ["-K", "eth0", "gro", "on"]);
}

const options = { skip: skipWithoutNetwork, timeout: 60_000 };

for (const hook of ["tcx", "xdp"] satisfies PipelineHook[]) {
  test(`packets pass a chain of functions both ways (${hook})`, options, async () => {
    using net = network();
    prepare(net, hook);
    using graph = new TestGraph();
    await graph.applyModel(chain(net, hook, 8));
    using ends = new Ends(net);
    ends.a.send(frame);
    assert.equal(dscpOf((await ends.b.next(2000))?.data), 8);
    ends.b.send(frame);
    assert.equal(dscpOf((await ends.a.next(2000))?.data), 8);
    assert.equal(seen(graph, "m1"), 2n);
    assert.equal(seen(graph, "m2"), 2n);
  });

  test(`applies under traffic lose nothing and keep state (${hook})`, options, async () => {
    using net = network();
    prepare(net, hook);
    using graph = new TestGraph();
    await graph.applyModel(chain(net, hook, 1));
    using ends = new Ends(net);
    const marks = new Map<number, number>();
    const perRound = 200;
    const rounds = 30;
    let received = 0;
    const drain = (): void => {
      for (const { data } of ends.b.drain()) {
        received++;
        marks.set(dscpOf(data), (marks.get(dscpOf(data)) ?? 0) + 1);
      }
    };
    for (let round = 1; round <= rounds; round++) {
      for (let sent = 0; sent < perRound; sent++) {
        if (sent === perRound / 2) await graph.applyModel(chain(net, hook, round));
        ends.a.send(frame);
      }
      drain();
    }
    for (let tries = 0; tries < 100 && received < rounds * perRound; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
      drain();
    }
    assert.equal(received, rounds * perRound);
    assert.equal(seen(graph, "m1"), BigInt(rounds * perRound));
    assert.equal(marks.get(rounds), perRound / 2);
  });

  test(`an apply that fails changes nothing (${hook})`, options, async () => {
    using net = network();
    prepare(net, hook);
    using graph = new TestGraph();
    await graph.applyModel(chain(net, hook, 3));
    const { record } = graph;
    const model = chain(net, hook, 4);
    const gone = { ...deviceOf(net.host("middle"), "lan2", hook), alias: "lan3" };
    const broken: Model = {
      ...model,
      devices: [...model.devices, { ...gone, found: { ...gone.found!, name: "nowhere", ifindex: 4711 } }],
      instances: [...model.instances, instance("m3", marker, ports)],
      links: [...model.links, ...links("dev:lan3 -> m3.inside")],
    };
    await assert.rejects(graph.applyModel(broken), { code: /E_/ });
    assert.equal(graph.record, record);
    using ends = new Ends(net);
    ends.a.send(frame);
    assert.equal(dscpOf((await ends.b.next(2000))?.data), 3);
    await graph.applyModel(chain(net, hook, 5));
    ends.a.send(frame);
    assert.equal(dscpOf((await ends.b.next(2000))?.data), 5);
  });
}

test("a function that was more work than expected is cut apart from the others, in all that follows", options, () => {
  using net = network();
  const workshop = new Workshop();
  const prepare = (of = workshop) => of.prepare(chain(net, "tcx", 1), noIdentities, usualSizes);
  const functions = ({ pipelines }: Prepared) => pipelines.map(({ pipeline }) => stagesOf(pipeline.root).length);
  const [first] = prepare().pipelines;
  workshop.loaded(first!, first!.work);
  assert.deepEqual(functions(prepare()), [2, 2]);
  assert.throws(() => workshop.loaded(first!, mostExpected + 1), TooMuchWork);
  const cut = prepare();
  assert.deepEqual(functions(cut), [1, 1]);
  workshop.loaded(cut.pipelines[0]!, mostExpected + 1);
  const next = new Workshop();
  next.adopt(cut.workFactors);
  assert.deepEqual(functions(prepare(next)), [1, 1]);
});

test("that a function is too much for the verifier alone is remembered while it is live", options, () => {
  using net = network();
  const workshop = new Workshop();
  const prepare = () => workshop.prepare(chain(net, "tcx", 1), noIdentities, usualSizes).pipelines;
  const [chained] = prepare();
  assert.throws(() => workshop.loaded(chained!, undefined), TooMuchWork);
  const cut = prepare();
  const [alone] = cut;
  assert.equal(workshop.wasTooMuch(alone!), false);
  workshop.loaded(alone!, undefined);
  assert.deepEqual([workshop.wasTooMuch(alone!), workshop.wasTooMuch(chained!)], [true, false]);
  workshop.turn(cut);
  assert.equal(workshop.wasTooMuch(alone!), true);
  workshop.turn([]);
  assert.equal(workshop.wasTooMuch(alone!), false);
});

test("what the verifier gives up on is cut apart by the same apply, and by the next one at once", options, async () => {
  using net = network();
  using graph = new TestGraph();
  const model = (mark: number): Model => {
    const middle = net.host("middle");
    return {
      instances: ["w1", "w2", "w3"].map((name) => instance(name, wearing, ports, { mark })),
      devices: [deviceOf(middle, "lan1", "tcx"), deviceOf(middle, "lan2", "tcx")],
      links: links(
        "dev:lan1 -> w1.inside",
        "w1.outside -> w2.inside",
        "w2.outside -> w3.inside",
        "w3.outside -> dev:lan2",
      ),
    };
  };
  await graph.applyModel(model(1));
  const lengths = () => graph.prepared!.pipelines.map(({ pipeline }) => stagesOf(pipeline.root).length);
  assert.ok(
    lengths().every((length) => length < 3),
    lengths().join(),
  );
  assert.ok(Object.values(graph.record.workFactors!).some((factor) => factor > 1));
  const next = graph.prepare(model(2));
  await graph.apply(next);
  assert.equal(graph.prepared, next, "what was prepared was loaded, without a second try");
});
