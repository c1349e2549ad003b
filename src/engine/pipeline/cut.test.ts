import assert from "node:assert/strict";
import { test } from "node:test";
import type { Module } from "../../compiler/hir/tree.ts";
import { cutPipelines, cutsOf, stagesOf } from "./cut.ts";
import type { Node, Peer, Topology } from "./topology.ts";
import { mostExpected } from "./work.ts";

/** Cutting looks at links, and at what functions cost. */
const moduleWith = (maps: number): Module => ({ maps: Array(maps).fill({}) }) as unknown as Module;

interface Costs {
  readonly works?: readonly number[];
  /** Of each. */
  readonly maps?: number;
}

/** Functions in a row between two devices, "a" and "b". */
function chain(names: readonly string[], { works = [], maps = 0 }: Costs = {}): Topology {
  const end = (instance: string | undefined, port: number, device: string): Peer =>
    instance === undefined ? { kind: "device", device } : { kind: "port", instance, port };
  return new Map(
    names.map((instance, id): [string, Node] => {
      const peers = [end(names[id - 1], 1, "a"), end(names[id + 1], 0, "b")];
      const numbers = { firstPort: 2 * id, firstReason: id, id, work: works[id] ?? 1 };
      return [instance, { instance, module: moduleWith(maps), ports: ["left", "right"], peers, ...numbers }];
    }),
  );
}

test("what only packets meet that turn back has one function for each pipeline", () => {
  const topology = chain(["one", "two", "three", "four"]);
  const entrances = ["one", "four"].map((instance) => ({ instance, hook: "xdp" as const }));
  const pipelines = cutPipelines(topology, entrances).map(({ root }) => stagesOf(root).map(({ instance }) => instance));
  assert.deepEqual(pipelines, [["one", "two", "three", "four"], ["four", "three", "two", "one"], ["two"], ["three"]]);
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
