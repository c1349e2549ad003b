import assert from "node:assert/strict";
import { test } from "node:test";
import type { Module } from "../../compiler/hir/tree.ts";
import { cutPipelines, stagesOf } from "./cut.ts";
import type { Node, Peer, Topology } from "./topology.ts";

/** Cutting looks at links only. */
const module = {} as Module;

/** Functions in a row between two devices, "a" and "b". */
function chain(...names: readonly string[]): Topology {
  const end = (instance: string | undefined, port: number, device: string): Peer =>
    instance === undefined ? { kind: "device", device } : { kind: "port", instance, port };
  return new Map(
    names.map((instance, id): [string, Node] => {
      const peers = [end(names[id - 1], 1, "a"), end(names[id + 1], 0, "b")];
      return [instance, { instance, module, ports: ["left", "right"], peers, firstPort: 2 * id, firstReason: id, id }];
    }),
  );
}

test("what only packets meet that turn back has one function for each pipeline", () => {
  const topology = chain("one", "two", "three", "four");
  const entrances = ["one", "four"].map((instance) => ({ instance, hook: "xdp" as const }));
  const pipelines = cutPipelines(topology, entrances).map(({ root }) => stagesOf(root).map(({ instance }) => instance));
  assert.deepEqual(pipelines, [["one", "two", "three", "four"], ["four", "three", "two", "one"], ["two"], ["three"]]);
});
