import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { keepImmutable } from "../../compiler/hir/immutable.ts";
import { shareGraph } from "./share.ts";
import type { Graph, JsonObject, JsonValue } from "./types.ts";

function graphOf(list: readonly JsonValue[]): Graph {
  return { functions: { r: { kind: "router", config: { list }, ports: {} } }, devices: {}, links: [] };
}

/** The list of the graph that takes the place of one with `old`, whose parts cannot change. */
function sharedWith(old: readonly JsonValue[], next: readonly JsonValue[]): readonly JsonValue[] {
  return listOf(shareGraph(shareGraph(graphOf([]), graphOf(old)), graphOf(next)));
}

function listOf(graph: Graph): readonly JsonValue[] {
  return graph.functions["r"]!.config["list"] as readonly JsonValue[];
}

const itemOf = (number: number): JsonObject => ({ name: `item ${number}`, inner: { number } });

/** The same text as objects of their own. */
function copyOf<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}

describe("a graph that takes the place of another", () => {
  it("has the very items of a list that are there still, however far apart others came and went", () => {
    const old = keepImmutable(Array.from({ length: 50_000 }, (_, number) => itemOf(number)));
    const changes: readonly ((list: readonly JsonObject[]) => readonly JsonObject[])[] = [
      (list) => [itemOf(-1), ...list.slice(0, -10), ...list.slice(-9)],
      (list) => [...list.slice(0, 10), ...list.slice(11, -10), itemOf(-1), ...list.slice(-10)],
      (list) => list.toSpliced(100, 3).toSpliced(40_000, 0, itemOf(-1), itemOf(-2)),
      (list) => list.with(7, itemOf(-1)).with(49_000, itemOf(-2)),
      (list) => [...list.slice(1000), ...list.slice(0, 1000)],
      (list) => list.toReversed(),
    ];
    for (const [index, change] of changes.entries()) {
      const next = copyOf(change(old));
      const shared = sharedWith(old, next);
      assert.deepEqual(shared, next);
      const there = new Set<JsonValue>(old);
      const kept = change(old).filter((item) => there.has(item)).length;
      assert.equal(shared.filter((item) => there.has(item)).length, kept, `change ${index}`);
    }
    const graph = shareGraph(graphOf([]), graphOf(old));
    assert.equal(listOf(shareGraph(graph, graphOf(copyOf(old)))), listOf(graph));
  });

  it("means the same as what was given", () => {
    const item = fc.oneof(
      fc.integer({ min: 0, max: 5 }).map(itemOf),
      fc.integer({ min: 0, max: 3 }),
      fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 2 }),
    );
    const list = fc.array(item, { maxLength: 12 });
    fc.assert(
      fc.property(list, list, (old, next) => {
        const shared = sharedWith(copyOf(old), copyOf(next));
        assert.deepEqual(shared, next);
      }),
      { numRuns: 2000 },
    );
  });
});
