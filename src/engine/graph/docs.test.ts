/** docs/graph.md: its examples are read and checked, and give what it says they give. */
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { applyChanges } from "./apply-changes.ts";
import { graphDocument } from "./canonical.ts";
import { diffGraphs } from "./diff.ts";
import { loadGraph, parseGraph } from "./parse.ts";
import { renderChanges } from "./render.ts";
import { testCatalogue } from "./testing.ts";

const page = readFileSync(new URL("../../../docs/graph.md", import.meta.url), "utf8");

function blocks(language: string): readonly string[] {
  return [...page.matchAll(/^```(?<language>\w+)\n(?<text>.*?)^```$/gms)]
    .filter(({ groups }) => groups?.["language"] === language)
    .map(({ groups }) => groups?.["text"] ?? "");
}

const [format = "", faulty = "", ...moreYaml] = blocks("yaml");
const options = { catalogue: testCatalogue };

test("the graphs of the page are valid", async () => {
  assert.equal(moreYaml.length, 0);
  const graph = await parseGraph(format, { ...options, path: "net.yaml" });
  assert.equal(graph.links.length, 5);
  const [json = "", ...moreJson] = blocks("json");
  assert.equal(moreJson.length, 0);
  assert.deepEqual(graphDocument(await parseGraph(json, { ...options, path: "net.json" })), JSON.parse(json));
});

test("the TypeScript file of the page gives a graph", async () => {
  const folder = mkdtempSync(join(tmpdir(), "iov-graph-"));
  try {
    const [text = ""] = blocks("ts");
    writeFileSync(join(folder, "net.ts"), text);
    const graph = await loadGraph(join(folder, "net.ts"), options);
    assert.deepEqual(graphDocument(graph)["links"], [
      "dev:lan1 -> sw1.lan1",
      "dev:lan2 -> sw1.lan2",
      "dev:lan3 -> sw1.lan3",
    ]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the faulty graph of the page has the errors that the page shows", async () => {
  await assert.rejects(parseGraph(faulty, { ...options, path: "net.yaml" }), (error: Error) => {
    assert.equal(`${error.message}\n`, blocks("text")[0]);
    return true;
  });
});

test("the diff of the page is one", async () => {
  const before = await parseGraph(format);
  const after = structuredClone(graphDocument(before)) as never as {
    functions: { sw1: { config: { ageing: number }; ports: Record<string, { vlan?: number }> } };
    links: string[];
  };
  after.functions.sw1.config.ageing = 60;
  after.functions.sw1.ports["lan1"]!.vlan = 20;
  delete after.functions.sw1.ports["lan2"];
  after.links.splice(1, 1);
  const changes = diffGraphs(before, await parseGraph(after));
  assert.equal(renderChanges(changes), blocks("diff")[0]);
  assert.deepEqual(graphDocument(applyChanges(before, changes))["functions"], after.functions);
});
