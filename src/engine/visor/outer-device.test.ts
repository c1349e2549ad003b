import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Peer } from "../pipeline/topology.ts";
import type { ModelDevice } from "./model.ts";
import { outerDevice } from "./outer-device.ts";
import { functionOf, instance } from "./testing.ts";

const through = functionOf(
  "through",
  `import { fixedPorts, forward, onPacket } from "iovisor/kernel";
export const ports = fixedPorts("a", "b");
export default onPacket((packet) => forward(packet.port === ports.a ? ports.b : ports.a));`,
);
const flooding = functionOf(
  "flooding",
  `import { fixedPorts, flood, onPacket } from "iovisor/kernel";
export const ports = fixedPorts("a", "b");
export default onPacket(() => flood(1, 0));`,
);

const device: ModelDevice = { alias: "out", name: "eth0", netns: "blue", hook: "tcx", found: undefined };
const port = (of: string, number: number): Peer => ({ kind: "port", instance: of, port: number });
const wire: Peer = { kind: "device", device: "out" };

function outer(from: Peer | undefined, links: Readonly<Record<string, readonly Peer[]>>): string | undefined {
  const names = Object.keys(links);
  const instances = names.map((name) => instance(name, name.startsWith("flood") ? flooding : through, ["a", "b"]));
  const peers = new Map(names.map((name) => [name, new Map(links[name]!.map((peer, number) => [number, peer]))]));
  const model = { instances, devices: [device], links: [] };
  return outerDevice(from, { model, peers, devices: new Map([["out", device]]) })?.name;
}

describe("the device that packets of a port come from", () => {
  it("is the one at the other end of its link, on its wire side", () => {
    assert.equal(outer(wire, {}), "eth0");
    assert.equal(outer({ kind: "host", device: "out" }, {}), undefined);
    assert.equal(outer(undefined, {}), undefined);
  });

  it("is found behind functions of two ports", () => {
    const chain = { one: [port("r1", 0), port("two", 0)], two: [port("one", 1), wire] };
    assert.equal(outer(port("one", 0), chain), "eth0");
  });

  it("is not told behind functions with more links, or only one, or that flood", () => {
    assert.equal(outer(port("one", 0), { one: [port("r1", 0), wire, port("r1", 1)] }), undefined);
    assert.equal(outer(port("one", 0), { one: [port("r1", 0)] }), undefined);
    assert.equal(outer(port("flood", 0), { flood: [port("r1", 0), wire] }), undefined);
  });

  it("is none where functions lead back", () => {
    assert.equal(
      outer(port("one", 0), { one: [port("two", 1), port("two", 0)], two: [port("one", 1), port("one", 0)] }),
      undefined,
    );
  });
});
