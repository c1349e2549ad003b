import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { applyChanges } from "./apply-changes.ts";
import { canonicalText, graphDocument, graphHash } from "./canonical.ts";
import { diffGraphs } from "./diff.ts";
import { parseGraph } from "./parse.ts";
import { GraphError } from "./problems.ts";
import { readDocument } from "./read.ts";
import { renderChanges } from "./render.ts";
import { arbitraryGraph, rewritten } from "./testing.ts";

const runs = { numRuns: 400, seed: Math.trunc(Math.random() * 2 ** 31) };

test("a graph does not differ from itself, however it is written", (t) => {
  t.diagnostic(`seed ${runs.seed}`);
  fc.assert(
    fc.property(arbitraryGraph, (graph) => {
      assert.deepEqual(diffGraphs(graph, rewritten(graph)), []);
      assert.equal(graphHash(graph), graphHash(rewritten(graph)));
    }),
    runs,
  );
});

test("the changes from one graph to another, applied to the first, give the second", (t) => {
  t.diagnostic(`seed ${runs.seed}`);
  fc.assert(
    fc.property(arbitraryGraph, arbitraryGraph, (a, b) => {
      // As they are stored and sent.
      const changes = JSON.parse(JSON.stringify(diffGraphs(a, b)));
      assert.equal(canonicalText(applyChanges(a, changes)), canonicalText(b));
      assert.equal(changes.length === 0, canonicalText(a) === canonicalText(b));
      assert.equal(renderChanges(changes), renderChanges(diffGraphs(rewritten(a), rewritten(b))));
    }),
    runs,
  );
});

test("what a graph's document says is the graph, also by its canonical text", (t) => {
  t.diagnostic(`seed ${runs.seed}`);
  fc.assert(
    fc.property(arbitraryGraph, (graph) => {
      const read = readDocument(JSON.parse(JSON.stringify(graphDocument(graph))));
      assert.deepEqual(read.findings, []);
      assert.deepEqual(read.graph, graph);
      const canonical = readDocument(JSON.parse(canonicalText(graph)));
      assert.deepEqual(canonical.findings, []);
      assert.equal(graphHash(canonical.graph), graphHash(graph));
    }),
    runs,
  );
});

const before = {
  functions: {
    sw1: { kind: "switch", config: { ageing: 300 }, ports: { lan1: { vlan: 10 }, lan2: {}, up: {} } },
    fw: { kind: "acl", config: { rules: [{ port: 1 }, { port: 2 }, { port: 3 }] } },
    old: { kind: "acl" },
  },
  devices: { lan1: { name: "veth-a", netns: "blue" } },
  links: ["dev:lan1 -> sw1.lan1", "sw1.up -> fw.inside"],
};
const after = {
  functions: {
    sw1: { kind: "switch", config: { learn: false }, ports: { lan3: {}, lan1: { vlan: 20 }, up: {} } },
    fw: { kind: "acl", config: { rules: [{ port: 1 }, { port: 22 }, { port: 3 }, { port: 4 }] } },
    r1: { kind: "router", ports: { lan: {} } },
    old: { kind: "router", config: { x: 1 } },
  },
  devices: { lan1: { name: "veth-a", netns: "blue", hook: "xdp" } },
  links: ["sw1.lan1 -> dev:lan1", "dev:lan3 -> sw1.lan3"],
};

test("a rendered diff names each change once, in a stable order", async () => {
  const changes = diffGraphs(await parseGraph(before), await parseGraph(after));
  assert.equal(
    renderChanges(changes),
    `- link fw.inside -> sw1.up
~ device lan1: veth-a in blue -> veth-a in blue at xdp
- fw: config.rules[1] = {"port":2}
- fw: config.rules[2] = {"port":3}
+ fw: config.rules[1] = {"port":22}
+ fw: config.rules[2] = {"port":3}
+ fw: config.rules[3] = {"port":4}
- function old: acl
+ function old: router, config {"x":1}
+ function r1: router, ports lan
- sw1: config.ageing = 300
+ sw1: config.learn = false
- port sw1.lan2
~ port sw1.lan1: vlan = 10 -> 20
+ port sw1.lan3
~ sw1: order of ports lan1, up, lan3 -> lan3, lan1, up
+ link dev:lan3 -> sw1.lan3
`,
  );
});

test("an item put in front of a long list is one change", async () => {
  const rules = Array.from({ length: 1000 }, (_, port) => ({ port }));
  const graph = (list: object[]) => parseGraph({ functions: { fw: { kind: "acl", config: { rules: list } } } });
  const changes = diffGraphs(await graph(rules), await graph([{ port: 5000 }, ...rules]));
  assert.equal(renderChanges(changes), '+ fw: config.rules[0] = {"port":5000}\n');
});

test("changes do not fit a graph that is not as they expect it", async () => {
  const [a, b] = [await parseGraph(before), await parseGraph(after)];
  const changes = diffGraphs(a, b);
  assert.ok(changes.length > 10);
  for (const change of changes.filter(({ kind }) => kind !== "portsReordered")) {
    assert.throws(() => applyChanges(b, [change]), GraphError, JSON.stringify(change));
  }
});
