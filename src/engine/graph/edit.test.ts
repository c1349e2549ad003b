import assert from "node:assert/strict";
import { test } from "node:test";
import { graphDocument } from "./canonical.ts";
import { type Edit, editGraph } from "./edit.ts";
import { GraphError } from "./problems.ts";
import { testCatalogue } from "./testing.ts";
import { emptyGraph, type Graph } from "./types.ts";

async function edited(edits: readonly Edit[], graph: Graph = emptyGraph): Promise<Graph> {
  let result = graph;
  for (const edit of edits) result = await editGraph(result, edit, testCatalogue);
  return result;
}

async function built(): Promise<Graph> {
  return await edited([
    { kind: "createInstance", name: "sw1", function: "switch", ports: [{ link: "dev:veth0" }, { name: "up" }] },
    { kind: "createInstance", name: "fw", function: "acl" },
    { kind: "link", from: "sw1.up", to: "fw.inside" },
    { kind: "addPort", name: "sw1", port: { name: "lan", link: "dev:veth1", settings: { vlan: 5, mode: "trunk" } } },
  ]);
}

test("builds a graph step by step", async () => {
  assert.deepEqual(graphDocument(await built()), {
    functions: {
      sw1: { kind: "switch", ports: { veth0: {}, up: {}, lan: { vlan: 5, mode: "trunk" } } },
      fw: { kind: "acl" },
    },
    links: ["dev:veth0 -> sw1.veth0", "sw1.up -> fw.inside", "dev:veth1 -> sw1.lan"],
  });
});

test("takes links along with what they end at", async () => {
  const graph = await built();
  const less = await edited([{ kind: "removePort", name: "sw1", port: "lan" }], graph);
  assert.deepEqual(graphDocument(less)["links"], ["dev:veth0 -> sw1.veth0", "sw1.up -> fw.inside"]);
  const least = await edited([{ kind: "deleteInstance", name: "sw1" }], less);
  assert.deepEqual(graphDocument(least), { functions: { fw: { kind: "acl" } } });
});

test("edits settings key by key; null removes one, replace takes all", async () => {
  const settings = async (...edits: Edit[]) => graphDocument(await edited(edits, await built()))["functions"];
  const sw1 = { kind: "switch", ports: { veth0: {}, up: {}, lan: { vlan: 5, mode: "trunk" } } };
  const ageing: Edit = { kind: "editInstance", name: "sw1", config: { ageing: 60 } };
  assert.deepEqual(await settings(ageing), { sw1: { ...sw1, config: { ageing: 60 } }, fw: { kind: "acl" } });
  const cleared = await settings(ageing, { kind: "editInstance", name: "sw1", config: {}, replace: true });
  assert.deepEqual(cleared, { sw1, fw: { kind: "acl" } });
  const port = await settings({ kind: "editPort", name: "sw1", port: "lan", settings: { vlan: 6, mode: null } });
  assert.deepEqual(port, { sw1: { kind: "switch", ports: { ...sw1.ports, lan: { vlan: 6 } } }, fw: { kind: "acl" } });
});

test("links and unlinks by either end, and names devices", async () => {
  const graph = await edited(
    [
      { kind: "unlink", from: "fw.inside" },
      { kind: "unlink", from: "sw1.lan", to: "dev:veth1" },
      { kind: "setDevice", name: "wan", device: { name: "eth0", netns: "blue", hook: "xdp" } },
      { kind: "link", from: "fw.outside", to: "dev:wan" },
    ],
    await built(),
  );
  assert.deepEqual(graphDocument(graph)["links"], ["dev:veth0 -> sw1.veth0", "fw.outside -> dev:wan"]);
  const without = await edited([{ kind: "removeDevice", name: "wan" }], graph);
  assert.equal(graphDocument(without)["devices"], undefined);
});

const refused: readonly (readonly [name: string, edit: Edit, complaint: RegExp])[] = [
  [
    "a name that is taken",
    { kind: "createInstance", name: "fw", function: "acl" },
    /^functions\.fw: is there already$/,
  ],
  ["a bad name", { kind: "createInstance", name: "1", function: "acl" }, /'1' is no name: a letter, then/],
  ["an unknown kind", { kind: "createInstance", name: "x", function: "nat" }, /no function of kind 'nat'/],
  ["a deletion of nothing", { kind: "deleteInstance", name: "x" }, /^functions\.x: there is no function 'x'$/],
  ["a deletion of what every object has", { kind: "deleteInstance", name: "toString" }, /no function 'toString'$/],
  [
    "a setting that does not fit",
    { kind: "editInstance", name: "sw1", config: { ageing: 0 } },
    /config\.ageing: must be >= 1/,
  ],
  ["a port without a name", { kind: "addPort", name: "sw1", port: {} }, /the new port has no name$/],
  ["a port that is there", { kind: "addPort", name: "sw1", port: { name: "up" } }, /ports\.up: is there already$/],
  [
    "a port that the function cannot have",
    { kind: "addPort", name: "fw", port: { name: "x" } },
    /'acl' has no port 'x'/,
  ],
  [
    "a device that is linked",
    { kind: "addPort", name: "sw1", port: { link: "dev:veth0", name: "x" } },
    /'dev:veth0' is linked already, by links\[0\]$/,
  ],
  ["a removal of an unknown port", { kind: "removePort", name: "sw1", port: "x" }, /there is no port 'x'$/],
  [
    "a link to a port that is linked",
    { kind: "link", from: "fw.inside", to: "sw1.veth0" },
    /'sw1.veth0' is linked already/,
  ],
  ["a link without an end", { kind: "link", from: "fw.outside", to: "" }, /nothing stands on the right/],
  ["a link that is not there", { kind: "unlink", from: "fw.outside" }, /'fw.outside' is not linked$/],
  ["a link between others", { kind: "unlink", from: "fw.inside", to: "dev:veth0" }, /are not linked$/],
  ["a removal of an unknown device", { kind: "removeDevice", name: "veth0" }, /there is no device 'veth0'$/],
];

for (const [name, edit, complaint] of refused) {
  test(`refuses ${name}`, async () => {
    await assert.rejects(edited([edit], await built()), (error: GraphError) => {
      assert.ok(error instanceof GraphError);
      assert.match(error.message, complaint);
      return true;
    });
  });
}
