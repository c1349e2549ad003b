import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { describeCycle, findCycles } from "./cycles.ts";
import type { Graph, Link } from "./types.ts";

/** A graph of instances that are joined as given, each link with ports of its own. */
function joined(pairs: readonly (readonly [string, string])[]): Graph {
  const links = pairs.map(
    ([a, b], index): Link => ({
      from: { kind: "port", instance: a, port: `p${index}` },
      to: { kind: "port", instance: b, port: `q${index}` },
    }),
  );
  return { functions: {}, devices: {}, links };
}

test("a tree of functions has no cycle", () => {
  assert.deepEqual(
    findCycles(
      joined([
        ["a", "b"],
        ["b", "c"],
        ["b", "d"],
      ]),
    ),
    [],
  );
});

test("names the functions of a cycle and its links", () => {
  const graph = joined([
    ["x", "a"],
    ["a", "b"],
    ["b", "c"],
    ["c", "a"],
  ]);
  const [cycle, ...others] = findCycles(graph);
  assert.deepEqual(others, []);
  assert.deepEqual(cycle, { instances: ["b", "a", "c"], links: [1, 3, 2] });
  assert.equal(describeCycle(graph, cycle!), "b - a - c - b (by a.p1 -> b.q1, a.q3 -> c.p3, b.p2 -> c.q2)");
});

test("two links between the same functions are a cycle, and one from a function to itself", () => {
  assert.deepEqual(
    findCycles(
      joined([
        ["a", "b"],
        ["a", "b"],
      ]),
    ),
    [{ instances: ["a", "b"], links: [0, 1] }],
  );
  assert.deepEqual(findCycles(joined([["a", "a"]])), [{ instances: ["a"], links: [0] }]);
});

test("leaves out the cycles through functions that bound them", () => {
  const graph = joined([
    ["a", "b"],
    ["b", "r"],
    ["r", "a"],
    ["c", "d"],
    ["d", "c"],
  ]);
  assert.equal(findCycles(graph).length, 2);
  assert.deepEqual(
    findCycles(graph, (name) => name === "r").map((cycle) => cycle.instances),
    [["d", "c"]],
  );
});

test("links of cycles join what stands beside each other, and there are as many as the graph has", (t) => {
  const seed = Math.trunc(Math.random() * 2 ** 31);
  t.diagnostic(`seed ${seed}`);
  const name = fc.constantFrom("a", "b", "c", "d", "e", "f");
  fc.assert(
    fc.property(fc.array(fc.tuple(name, name), { maxLength: 12 }), (pairs) => {
      const cycles = findCycles(joined(pairs));
      // The dimension of the cycle space: links - instances + parts that hang together.
      assert.equal(cycles.length, pairs.length - new Set(pairs.flat()).size + parts(pairs));
      for (const { instances, links } of cycles) {
        assert.equal(new Set(links).size, instances.length);
        for (const [index, link] of links.entries()) {
          const beside = [instances[index]!, instances[(index + 1) % instances.length]!];
          assert.deepEqual([...pairs[link]!].sort(), beside.sort());
        }
      }
    }),
    { numRuns: 300, seed },
  );
});

function parts(pairs: readonly (readonly [string, string])[]): number {
  const label = new Map(pairs.flat().map((name) => [name, name] as const));
  for (const [a, b] of pairs) {
    const [from, to] = [label.get(b)!, label.get(a)!];
    for (const [name, one] of label) if (one === from) label.set(name, to);
  }
  return new Set(label.values()).size;
}
