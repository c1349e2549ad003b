import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { examineGraph, loadGraph, parseGraph } from "./parse.ts";
import { formatProblem, GraphError } from "./problems.ts";
import { testCatalogue } from "./testing.ts";

async function complaints(source: string | object, path?: string): Promise<readonly string[]> {
  const { problems } = await examineGraph(source, { ...(path ? { path } : {}), catalogue: testCatalogue });
  for (const { remedy } of problems) assert.ok(remedy.length > 5);
  return problems.map((problem) => formatProblem(problem, path));
}

const switchOf = (...ports: string[]): object => ({
  kind: "switch",
  ports: Object.fromEntries(ports.map((name) => [name, {}])),
});

test("reads JSON, YAML and objects to the same graph", async () => {
  const document = {
    functions: { sw1: { kind: "switch", config: { ageing: 300 }, ports: { lan1: { vlan: 10 }, uplink: {} } } },
    devices: { lan1: { name: "veth-a", netns: "blue", hook: "xdp" } },
    links: ["dev:lan1 -> sw1.lan1", "host:eth0 -> sw1.uplink"],
  };
  const yaml = `
functions:
  sw1:
    kind: switch
    config: { ageing: 300 }
    ports: { lan1: { vlan: 10 }, uplink: }
devices:
  lan1: { name: veth-a, netns: blue, hook: xdp }
links:
  - dev:lan1 -> sw1.lan1
  - host:eth0 -> sw1.uplink
`;
  const graph = await parseGraph(document, { catalogue: testCatalogue });
  assert.deepEqual(await parseGraph(JSON.stringify(document, null, "\t"), { path: "a.json" }), graph);
  assert.deepEqual(await parseGraph(yaml, { path: "a.yaml" }), graph);
  assert.deepEqual(graph.links[1], {
    from: { kind: "host", device: "eth0" },
    to: { kind: "port", instance: "sw1", port: "uplink" },
  });
});

test("says nothing of what follows from something else that is wrong", async () => {
  const text = `functions:
  sw1: { kind: switch, ports: [a] }
  sw2: { kind: switch, ports: { lan1: 5, 1st: } }
  sw3: 7
  x: { kind: , ports: { y: } }
  r: { kind: router, ports: { lan: { addresses: [12345678901234567890] } } }
devices: { d: 1 }
links:
  - dev:d -> sw1.a
  - dev:e -> sw2.lan1
  - dev:f -> sw3.a
  - dev:g -> x.z
`;
  assert.deepEqual(await complaints(text, "net.yaml"), [
    'net.yaml:2:31: functions.sw1.ports: expected an object, got ["a"]',
    "net.yaml:3:39: functions.sw2.ports.lan1: expected an object, got 5",
    "net.yaml:3:42: functions.sw2.ports[\"1st\"]: '1st' is no name: a letter, then up to 30 letters, digits, _ or -",
    "net.yaml:4:8: functions.sw3: expected an object, got 7",
    'net.yaml:5:14: functions.x.kind: expected a text such as "switch", got null',
    "net.yaml:6:50: functions.r.ports.lan.addresses[0]: a number of this size is not exact",
    "net.yaml:7:15: devices.d: expected an object, got 1",
  ]);
  assert.deepEqual(await complaints({ functions: [], links: ["dev:a -> sw1.a"] }), [
    "functions: expected an object, got []",
  ]);
});

test("problems of an object come in the order of its parts", async () => {
  const functions = { sw1: { kind: "switch", config: { ageing: 0 }, bogus: 1 }, fw: { kind: "acl", ports: { x: {} } } };
  const found = await complaints({ links: ["dev:a -> sw1.x", "garbage"], functions });
  assert.deepEqual(
    found.map((one) => one.slice(0, one.indexOf(":"))),
    ["links[0]", "links[1]", "functions.sw1.config.ageing", "functions.sw1.bogus", "functions.fw.ports.x"],
  );
});

test("says everything that is wrong, each with its line and column", async () => {
  const text = `functions:
  sw1: { kind: switch, prots: {}, ports: { lan1: { vlan: 9999 }, lan2: , uplink: } }
  fw: { kind: acl, ports: { side: } }
  x: { kind: nat }
links:
  - dev:a -> sw1.lan1
  - dev:b -> sw1.lan9
  - dev:c -> sw1
  - fw.inside -> fw.inside
`;
  assert.deepEqual(await complaints(text, "net.yaml"), [
    "net.yaml:2:24: functions.sw1.prots: no such key; there is kind, config, ports",
    "net.yaml:2:58: functions.sw1.ports.lan1.vlan: must be <= 4094, got 9999",
    "net.yaml:3:29: functions.fw.ports.side: 'acl' has no port 'side': it has inside, outside",
    "net.yaml:4:14: functions.x.kind: there is no function of kind 'nat': there is switch, acl, router",
    "net.yaml:7:5: links[1]: port 'lan9' does not exist on 'sw1': it has lan1, lan2, uplink",
    "net.yaml:8:5: links[2]: 'sw1' is no end of a link",
    "net.yaml:9:5: links[3]: 'fw.inside' is linked to itself",
  ]);
  const { problems } = await examineGraph(text, { path: "net.yaml" });
  assert.deepEqual(problems[0], {
    path: "/functions/sw1/prots",
    place: "functions.sw1.prots",
    line: 2,
    column: 24,
    message: "no such key; there is kind, config, ports",
    remedy: "remove it, or mend its spelling",
  });
  await assert.rejects(parseGraph(text, { path: "net.yaml" }), (error: GraphError) => {
    assert.ok(error instanceof GraphError);
    assert.equal(error.code, "E_GRAPH");
    assert.equal(error.problems.length, problems.length);
    assert.match(error.message, /^the graph has 3 errors\nnet\.yaml:2:24: /);
    return true;
  });
});

const refused: readonly (readonly [name: string, source: object, complaint: string])[] = [
  ["a list", [], "expected an object, got []"],
  ["an unknown part", { nodes: {} }, "nodes: no such key; there is functions, devices, links"],
  [
    "a name that begins with a digit",
    { functions: { "1a": switchOf() } },
    "functions[\"1a\"]: '1a' is no name: a letter, then up to 30 letters, digits, _ or -",
  ],
  ["a missing kind", { functions: { a: {} } }, "functions.a.kind: is missing"],
  [
    "a kind that is no text",
    { functions: { a: { kind: 3 } } },
    'functions.a.kind: expected a text such as "switch", got 3',
  ],
  ["functions in a list", { functions: [1] }, "functions: expected an object, got [1]"],
  ["links that are no list", { links: "a -> b" }, 'links: expected a list, got "a -> b"'],
  [
    "a link without its end",
    { functions: { a: switchOf("b") }, links: ["a.b ->"] },
    "links[0]: nothing stands on the right of the arrow",
  ],
  [
    "a link with two arrows",
    { functions: { a: switchOf("b") }, links: ["a.b -> dev:c -> dev:d"] },
    "links[0]: 'a.b -> dev:c -> dev:d' is no link: it has 2 arrows",
  ],
  [
    "a link to an unknown function",
    { functions: { a: switchOf() }, links: ["dev:a -> b.c"] },
    "links[0]: there is no function 'b': there is a",
  ],
  [
    "a name of every object as a function",
    { functions: { a: switchOf() }, links: ["dev:a -> constructor.c"] },
    "links[0]: there is no function 'constructor': there is a",
  ],
  [
    "a name of every object as a port",
    { functions: { a: switchOf() }, links: ["dev:a -> a.toString"] },
    "links[0]: port 'toString' does not exist on 'a': it has none",
  ],
  [
    "a port that is linked twice",
    { functions: { a: switchOf("b") }, links: ["dev:c -> a.b", "a.b -> dev:d"] },
    "links[1]: 'a.b' is linked already, by links[0]",
  ],
  [
    "a device that is linked twice",
    { functions: { a: switchOf("b", "c") }, links: ["dev:x -> a.b", "dev:x -> a.c"] },
    "links[1]: 'dev:x' is linked already, by links[0]",
  ],
  ["two devices without a function between", { links: ["dev:a -> host:b"] }, "links[0]: no function is at either end"],
  [
    "an unknown side of a device",
    { functions: { a: switchOf("b") }, links: ["wire:x -> a.b"] },
    "links[0]: 'wire:x' is no end of a link",
  ],
  [
    "two names for a device",
    { functions: { a: switchOf("b") }, devices: { x: { name: "eth0" } }, links: ["dev:eth0 -> a.b"] },
    "links[0]: 'eth0' means the device eth0, which 'x' means too",
  ],
  [
    "a device that a pattern covers",
    { devices: { x: { name: "tap*" }, y: { name: "tap3" } } },
    "devices.y: 'y' means the device tap3, which 'x' means too",
  ],
  [
    "a device's name that the kernel cannot have",
    { devices: { x: { name: "a-very-long-name" } } },
    "devices.x.name: 'a-very-long-name' is no name of a device: it is longer than the kernel's 15 bytes",
  ],
  [
    "a long name without its device",
    { functions: { a: switchOf("b") }, links: ["dev:a-very-long-name -> a.b"] },
    "links[0]: 'a-very-long-name' is no name of a device: it is longer than the kernel's 15 bytes",
  ],
  [
    "an unknown hook",
    { devices: { x: { name: "eth0", hook: "tc" } } },
    'devices.x.hook: expected one of auto, xdp, tcx, got "tc"',
  ],
  [
    "a namespace that is a path",
    { devices: { x: { name: "eth0", netns: "../x" } } },
    "devices.x.netns: '../x' is no name of a namespace",
  ],
  [
    "a setting of the wrong type",
    { functions: { a: { kind: "switch", config: { ageing: "long" } } } },
    'functions.a.config.ageing: expected integer, got "long"',
  ],
  [
    "an unknown setting",
    { functions: { a: { kind: "switch", config: { aging: 1 } } } },
    "functions.a.config.aging: no such key; there is ageing",
  ],
  [
    "configuration of ports that have none",
    { functions: { a: { kind: "acl", ports: { inside: { x: 1 } } } } },
    "functions.a.ports.inside.x: no such key; its ports have no configuration",
  ],
  [
    "more ports than the function can have",
    { functions: { a: switchOf("a", "b", "c", "d", "e") } },
    "functions.a.ports: 5 ports are more than the 4 that 'switch' can have",
  ],
  [
    "a number that is not exact",
    { functions: { a: { kind: "acl", config: { x: 2 ** 60 } } } },
    "functions.a.config.x: a number of this size is not exact",
  ],
  [
    "a number that JSON does not have",
    { functions: { a: { kind: "acl", config: { x: [Number.NaN] } } } },
    "functions.a.config.x[0]: NaN is no number that JSON can hold",
  ],
  [
    "a date in an object",
    { functions: { a: { kind: "acl", config: { x: new Date(0) } } } },
    "functions.a.config.x: expected what JSON can hold, got an object of class Date",
  ],
];

for (const [name, source, complaint] of refused) {
  test(`refuses ${name}`, async () => assert.deepEqual(await complaints(source), [complaint]));
}

test("refuses an object that refers to itself", async () => {
  const config: Record<string, unknown> = {};
  config["self"] = config;
  const found = await complaints({ functions: { a: { kind: "acl", config } } });
  assert.match(found.join(), /is nested deeper than 64 levels$/);
});

const broken: readonly (readonly [name: string, text: string, path: string, complaint: string])[] = [
  ["an unfinished JSON text", '{\n  "links": [', "a.json", "a.json:2:13: not JSON: unexpected end of JSON input"],
  [
    "a comma too many in JSON",
    '{\n  "links": [],\n}',
    "a.json",
    "a.json:3:1: not JSON: expected double-quoted property name",
  ],
  [
    "a key that stands twice in JSON",
    '{ "functions": {},\n  "functions": {} }',
    "a.json",
    "a.json:2:3: the key 'functions' stands twice",
  ],
  ["a key that stands twice in YAML", "links: []\nlinks: []", "a.yaml", "a.yaml:2:1: the key 'links' stands twice"],
  [
    "two documents",
    "links: []\n---\nlinks: []",
    "a.yaml",
    "a.yaml:2:1: not YAML that a graph can use: the file holds several documents",
  ],
  ["an unknown tag", "links: !big []", "a.yaml", "a.yaml:1:8: not YAML that a graph can use: unresolved tag: !big"],
  ["an empty text", "", "a.yaml", "a.yaml:1:1: expected an object, got null"],
];

for (const [name, text, path, complaint] of broken) {
  test(`refuses ${name}`, async () => assert.deepEqual(await complaints(text, path), [complaint]));
}

test("refuses aliases that multiply beyond measure", async () => {
  const rows = ["a0: &a0 [x, x]", ...Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n}, *a${n}]`)];
  const [complaint] = await complaints(rows.join("\n"), "a.yaml");
  assert.match(complaint!, /excessive alias count/);
});

test("loads a TypeScript module's default export, and says which file fails", async () => {
  const folder = mkdtempSync(join(tmpdir(), "iov-graph-"));
  try {
    const path = join(folder, "net.ts");
    const body = `const ports: readonly string[] = ["a", "b"];
export default { functions: { sw1: { kind: "switch", ports: Object.fromEntries(ports.map((n) => [n, {}])) } } };`;
    writeFileSync(path, body);
    const graph = await loadGraph(path, { catalogue: testCatalogue });
    assert.deepEqual(Object.keys(graph.functions["sw1"]!.ports), ["a", "b"]);
    writeFileSync(join(folder, "none.ts"), "export const graph = {};");
    await assert.rejects(loadGraph(join(folder, "none.ts")), /none\.ts: the default export is no object/);
    writeFileSync(join(folder, "throws.ts"), 'throw new Error("no such thing");');
    await assert.rejects(loadGraph(join(folder, "throws.ts")), /throws\.ts:1:7: no such thing/);
    await assert.rejects(loadGraph(join(folder, "absent.ts")), /absent\.ts: cannot be read \(ENOENT\)/);
    await assert.rejects(loadGraph(join(folder, "net.toml")), /a graph is a \.json, \.yaml or \.ts file/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
