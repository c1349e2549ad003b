import assert from "node:assert/strict";
import { test } from "node:test";
import { compileClean } from "../../compiler/frontend/testing.ts";
import type { Module } from "../../compiler/hir/tree.ts";
import { cutPipelines, cutsOf, type Pipeline, stagesOf } from "./cut.ts";
import type { Node, Peer, Topology } from "./topology.ts";
import { mostExpected } from "./work.ts";

/** Cutting looks at links, at what functions cost, and at where they may send packets: here to any port. */
const moduleWith = (maps: number): Module => ({ maps: Array(maps).fill({}), programs: [] }) as unknown as Module;

const handler = (verdict: string): Module =>
  compileClean(`import { fixedPorts, forward, onPacket } from "iovisor/kernel";
export const ports = fixedPorts("left", "right");
export default onPacket((packet) => ${verdict});`);
const passing = handler("forward(1 - packet.port)");
const turning = handler("forward(packet.port)");

interface Costs {
  readonly works?: readonly number[];
  /** Of each. */
  readonly maps?: number;
  /** Of some, by their names. */
  readonly modules?: Readonly<Record<string, Module>>;
}

/** Functions in a row between two devices, "a" and "b". */
function chain(names: readonly string[], { works = [], maps = 0, modules = {} }: Costs = {}): Topology {
  const end = (instance: string | undefined, port: number, device: string): Peer =>
    instance === undefined ? { kind: "device", device } : { kind: "port", instance, port };
  return new Map(
    names.map((instance, id): [string, Node] => {
      const peers = [end(names[id - 1], 1, "a"), end(names[id + 1], 0, "b")];
      const numbers = { firstPort: 2 * id, firstReason: id, id, work: works[id] ?? 1 };
      const module = modules[instance] ?? moduleWith(maps);
      return [instance, { instance, module, ports: ["left", "right"], peers, ...numbers }];
    }),
  );
}

test("what only packets meet that turn back has one function for each pipeline", () => {
  const topology = chain(["one", "two", "three", "four"]);
  const entrances = ["one", "four"].map((instance) => ({ instance, hook: "xdp" as const }));
  const pipelines = cutPipelines(topology, entrances).map(({ root }) => stagesOf(root).map(({ instance }) => instance));
  assert.deepEqual(pipelines, [["one", "two", "three", "four"], ["four", "three", "two", "one"], ["two"], ["three"]]);
});

const namesIn = (pipelines: readonly Pipeline[]) =>
  pipelines.map(({ root }) =>
    stagesOf(root)
      .map(({ instance }) => instance)
      .join(" "),
  );

test("where no function turns packets back there is nothing for such packets", () => {
  const entrances = ["one", "three"].map((instance) => ({ instance, hook: "xdp" as const }));
  const modules = { one: passing, two: passing, three: passing };
  const pipelines = cutPipelines(chain(["one", "two", "three"], { modules }), entrances);
  assert.deepEqual(namesIn(pipelines), ["one two three", "three two one"]);
  assert.deepEqual(cutsOf(chain(["one", "two", "three"]), pipelines[0]!.root), []);
});

test("what only one function turns back has pipelines for the ways that it goes", () => {
  const entrances = [{ instance: "one", hook: "xdp" as const }];
  const modules = { one: passing, two: passing, three: turning, four: passing };
  const topology = chain(["one", "two", "three", "four"], { modules });
  const pipelines = cutPipelines(topology, entrances);
  // Where a pipeline begins, packets may have come in on any port.
  assert.deepEqual(namesIn(pipelines), ["one two three", "two", "three", "four"]);
  assert.deepEqual(cutsOf(topology, pipelines[0]!.root), [{ link: "three.left -> two.right", why: "loop" }]);
});

test("a pipeline ends ahead of the function with which it would be too much for the verifier", () => {
  const [third, whole] = [Math.ceil(mostExpected / 3), mostExpected + 1];
  const topology = chain(["one", "two", "three", "four", "five"], {
    works: [third, third, third, whole, third],
  });
  const pipelines = cutPipelines(topology, [{ instance: "one", hook: "xdp" }]);
  const ahead = pipelines.map(({ root }) => stagesOf(root).map(({ instance }) => instance));
  assert.deepEqual(ahead.slice(0, 4), [["one", "two"], ["three", "two"], ["four"], ["five"]]);
  const cuts = cutsOf(topology, pipelines[0]!.root).filter(({ why }) => why !== "loop");
  assert.deepEqual(cuts, [{ link: "two.right -> three.left", why: "work" }]);
});

test("a pipeline ends ahead of the function with which it would have too many maps", () => {
  const topology = chain(["one", "two", "three", "four"], { maps: 20 });
  const [first] = cutPipelines(topology, [{ instance: "one", hook: "tcx" }]);
  const cuts = cutsOf(topology, first!.root).filter(({ why }) => why !== "loop");
  assert.deepEqual(cuts, [{ link: "two.right -> three.left", why: "maps" }]);
});
