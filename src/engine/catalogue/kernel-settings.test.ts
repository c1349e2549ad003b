import assert from "node:assert/strict";
import { test } from "node:test";
import { settingsSchema } from "../../compiler/hir/settings-schema.ts";
import type { Module } from "../../compiler/hir/tree.ts";
import { schemaChecker } from "./json-schema.ts";
import { kernelConfigCheck } from "./kernel-settings.ts";

const limits = {
  kind: "struct",
  fields: [
    { name: "rate", type: { kind: "integer", name: "u32", minimum: 1n } },
    { name: "from", type: { kind: "formatted", format: "ipv4" } },
  ],
} as const;
const module: Pick<Module, "name" | "settings"> = {
  name: "limiter",
  settings: [
    { name: "limits", type: limits, default: { rate: 5n, from: 0n }, at: 0 },
    { name: "ports", type: { kind: "list", element: { kind: "integer", name: "u16" } }, default: [], at: 0 },
  ],
} as never;

const check = kernelConfigCheck(module);

test("takes what fits, also a struct in part", () => {
  assert.deepEqual(check({}), []);
  assert.deepEqual(check({ limits: { rate: 7 }, ports: [1, "0x10"] }), []);
});

test("says where in a configuration the faults are", () => {
  assert.deepEqual(check({ limits: { rate: 0, from: "x" }, ports: [1, 70000], colour: 1 }), [
    { path: ["limits", "rate"], message: "expected a whole number (u32) from 1 to 4294967295, got 0" },
    { path: ["limits", "from"], message: 'expected ipv4 such as 192.0.2.1, got "x"' },
    { path: ["ports", 1], message: "expected a whole number (u16) from 0 to 65535, got 70000" },
    { path: ["colour"], message: "no such setting; there is limits, ports" },
  ]);
});

test("the JSON Schema of the same settings judges alike", async () => {
  const bySchema = (await schemaChecker())(settingsSchema(module as Module));
  for (const config of [{}, { limits: { rate: 7, from: "10.0.0.1" } }, { ports: [1] }]) {
    assert.deepEqual(bySchema(config), [], JSON.stringify(config));
  }
  const paths = (problems: readonly { readonly path: readonly (string | number)[] }[]) =>
    problems.map(({ path }) => path.join(".")).sort();
  const wrong = { limits: { rate: 0, from: "x", burst: 1 }, ports: [1, 70000], colour: 1 };
  assert.deepEqual(paths(bySchema(wrong)), paths(check(wrong)));
});
