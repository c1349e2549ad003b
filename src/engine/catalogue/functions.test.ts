import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { builtInFunctions } from "../../functions/table.ts";
import { parseGraph } from "../graph/parse.ts";
import { FunctionCatalogue } from "./functions.ts";

const catalogue = new FunctionCatalogue(builtInFunctions);

test("settings that a host side works out are not among those of a function", async () => {
  const settings = async (kind: string): Promise<readonly string[]> => {
    const { description } = await catalogue.load(kind, "/");
    return Object.keys(description.settings["properties"] as object).sort();
  };
  assert.deepEqual(await settings("acl"), ["defaults", "rules", "sets"]);
  assert.deepEqual(await settings("switch"), ["ageing", "linkLocal", "static"]);
  assert.deepEqual(await settings("router"), [
    "icmpRate",
    "ipv6",
    "local",
    "mode",
    "neighbours",
    "routes",
    "sourceCheck",
  ]);
});

test("a graph cannot write them, with a schema of the host side or without one", async () => {
  const folder = mkdtempSync(join(tmpdir(), "iov-catalogue-"));
  try {
    mkdirSync(join(folder, "own"));
    writeFileSync(
      join(folder, "own", "kernel.ts"),
      `import { config, fixedPorts, forward, onPacket, u8 } from "iovisor/kernel";
export const ports = fixedPorts("a", "b");
export const settings = config({ number: u8.default(0), clock: u8.default(0) });
export default onPacket((packet) => (settings.clock > settings.number ? forward(ports.a) : forward(ports.b)));
`,
    );
    writeFileSync(
      join(folder, "own", "host.ts"),
      'export default { computedSettings: ["clock"], settings: () => ({ clock: 9 }) };',
    );
    const refuses = async (kind: string, name: string, remedy: RegExp): Promise<void> => {
      const { found } = await catalogue.loadAll([kind], folder);
      const descriptions = new Map([...found].map(([of, { description }]) => [of, description]));
      const graph = { functions: { f: { kind, config: { [name]: 1 } } } };
      await assert.rejects(parseGraph(graph, { catalogue: descriptions }), { code: "E_GRAPH", message: remedy });
    };
    await refuses("./own", "clock", /functions\.f\.config\.clock: no such setting; there is number/);
    await refuses("acl", "rounds", /functions\.f\.config\.rounds: no such key; there is/);
    await refuses("switch", "storms", /functions\.f\.config\.storms: no such key; there is/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
