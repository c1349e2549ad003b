/** Metadata on its way between functions on real devices, and that none of it is left for the next packet. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { skipWithoutNetwork, testNetwork } from "../../../test/network/network.ts";
import type { VirtualNetwork } from "../../kernel/virtual-network.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import type { Model } from "./model.ts";
import { deviceOf, functionOf, instance, links, TestGraph } from "./testing.ts";

const declarations = `
const zone = metadata("zone", u16);
const deep = metadata("deep", u64);
const odd = metadata("odd", bool);`;

const wire = (body: string): string => `
import { bool, drop, dropReasons, fixedPorts, forward, metadata, onPacket, u16, u64, u8 } from "iovisor/kernel";
import { Ethernet } from "iovisor/kernel/headers";
export const ports = fixedPorts("left", "right");
export const reasons = dropReasons({ short: "too short" });
${declarations}
export default onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  if (!ethernet) return drop(reasons.short);
  ${body}
  return forward(1 - packet.port);
});`;

/** Of frames from odd addresses; of the others nothing is known. */
const writer = functionOf(
  "writer",
  wire(`const low = ethernet.source[5];
  if ((low & 1) === 1) { zone.set(u16(0x100 + low)); deep.set(0x1234_5678_9abc_de00n | u64(low)); odd.set(true); }`),
);
/** Adds to what is known. */
const relay = functionOf("relay", wire("if (odd.get()) { zone.set(u16(zone.get() + 0x100)); }"));
/** Writes what it read into the frame. */
const reader = functionOf(
  "reader",
  wire(`ethernet.source[0] = odd.get() ? 6 : 2;
  ethernet.source[1] = u8(zone.get() >> 8);
  ethernet.source[2] = u8(zone.get() & 255);
  ethernet.source[3] = u8(deep.get() >> 56n);
  ethernet.source[4] = u8(deep.get() & 255n);`),
);
/** Forwards to the port that the destination says. */
const hub = functionOf(
  "hub",
  `import { drop, dropReasons, dynamicPorts, forward, onPacket } from "iovisor/kernel";
import { Ethernet } from "iovisor/kernel/headers";
export const ports = dynamicPorts({ maximum: 8 });
export const reasons = dropReasons({ short: "too short" });
export default onPacket((packet) => {
  const ethernet = packet.at(0, Ethernet);
  return ethernet ? forward(ethernet.destination[5] & 7) : drop(reasons.short);
});`,
);

/** Sends what comes in on its first port to all others, and back what comes in there. */
const flooder = functionOf(
  "flooder",
  `import { dynamicPorts, flood, forward, onPacket } from "iovisor/kernel";
export const ports = dynamicPorts({ maximum: 8 });
export default onPacket((packet) => packet.port === 0 ? flood(0, 0) : forward(0));`,
  {
    floodGroups: ({ ports }) => [{ group: 0, members: ports.map(({ number }) => ({ port: number, tagged: false })) }],
  },
);

const ends = ["a", "b", "c", "d"] as const;
const sides = ["left", "right"];

function network(hook: PipelineHook): VirtualNetwork {
  const net = testNetwork({
    wires: ends.map((host) => [
      { host, device: "eth0" },
      { host: "middle", device: host },
    ]),
  });
  if (hook === "xdp") for (const host of ends) net.host(host).exec("ethtool", ["-K", "eth0", "gro", "on"]);
  return net;
}

type Shape = Pick<Model, "instances" | "links">;

/** Functions in a row between a and b. */
function row(...functions: readonly (typeof writer)[]): Shape {
  const names = functions.map(({ kind }, index) => `${kind}${index}`);
  const inner = names.slice(1).map((name, index) => `${names[index]}.right -> ${name}.left`);
  return {
    instances: functions.map((one, index) => instance(names[index]!, one, sides)),
    links: links(`dev:a -> ${names[0]}.left`, ...inner, `${names.at(-1)}.right -> dev:b`),
  };
}

const shapes: Readonly<Record<string, { readonly shape: Shape; readonly relays: number }>> = {
  "three functions in one program": { shape: row(writer, relay, reader), relays: 1 },
  "a function alone": { shape: row(reader), relays: -1 },
  "over the end of a long pipeline": {
    shape: row(writer, ...Array.from({ length: 9 }, () => relay), reader),
    relays: 9,
  },
  "over a hub with many functions behind": {
    shape: {
      instances: [
        ...[instance("w", writer, sides), instance("hub", hub, ["in", "p1", "p2", "p3"])],
        ...["m1", "m2", "m3"].map((name) => instance(name, relay, sides)),
        ...["r1", "r2", "r3"].map((name) => instance(name, reader, sides)),
      ],
      links: links(
        ...["dev:a -> w.left", "w.right -> hub.in"],
        ...[1, 2, 3].flatMap((number) => [`hub.p${number} -> m${number}.left`, `m${number}.right -> r${number}.left`]),
        ...["r1.right -> dev:b", "r2.right -> dev:c", "r3.right -> dev:d"],
      ),
    },
    relays: 1,
  },
};

function frameTo(port: number, low: number): Uint8Array {
  return Uint8Array.of(2, 0, 0, 0, 0, port, 2, 0, 0, 0, 0, low, 0x90, 0, ...new Uint8Array(46));
}

function expectedSource(low: number, relays: number): readonly number[] {
  if (relays < 0 || (low & 1) === 0) return [2, 0, 0, 0, 0, low];
  return [6, 1 + relays, low, 0x12, low, low];
}

for (const hook of ["xdp", "tcx"] satisfies PipelineHook[]) {
  for (const [name, { shape, relays }] of Object.entries(shapes)) {
    test(`metadata of a packet, and of no other: ${name} (${hook})`, {
      skip: skipWithoutNetwork,
      timeout: 60_000,
    }, async () => {
      using net = network(hook);
      using graph = new TestGraph();
      const used = new Set(shape.links.flat().flatMap((end) => (end.kind === "port" ? [] : [end.device])));
      const devices = [...used].map((device) => deviceOf(net.host("middle"), device, hook));
      await graph.applyModel({ ...shape, devices });
      using a = net.host("a").packets("eth0");
      const outs = ends.slice(1).filter((host) => used.has(host));
      for (const low of [1, 2, 3, 4, 4, 5, 6, 255, 0]) {
        for (const [index, host] of outs.entries()) {
          using out = net.host(host).packets("eth0");
          a.send(frameTo(index + 1, low));
          const got = await out.next(2000);
          assert.deepEqual([...(got?.data.subarray(6, 12) ?? [])], expectedSource(low, relays), `${low} to ${host}`);
        }
      }
    });
  }

  test(`copies that a flood sends on into functions begin with empty metadata (${hook})`, {
    skip: skipWithoutNetwork,
    timeout: 60_000,
  }, async () => {
    using net = network(hook);
    using graph = new TestGraph();
    await graph.applyModel({
      instances: [
        instance("w", writer, sides),
        instance("hub", flooder, ["in", "p1", "p2"]),
        instance("r", reader, sides),
      ],
      devices: ["a", "b", "c"].map((device) => deviceOf(net.host("middle"), device, hook)),
      links: links("dev:a -> w.left", "w.right -> hub.in", "hub.p1 -> r.left", "hub.p2 -> dev:c", "r.right -> dev:b"),
    });
    using stack = new DisposableStack();
    const sockets = ends.map((host) => stack.use(net.host(host).packets("eth0")));
    for (const low of [1, 2, 255]) {
      sockets[0]!.send(frameTo(1, low));
      await new Promise((resolve) => setTimeout(resolve, 150));
      const sources = sockets.map((socket) => socket.drain().map(({ data }) => [...data.subarray(6, 12)]));
      const bare = [[2, 0, 0, 0, 0, low]];
      assert.deepEqual(sources, [[], bare, bare, []]);
    }
  });
}
