import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Module } from "../../../compiler/hir/tree.ts";
import { compileSource } from "../../../engine/source.ts";
import { examplePath } from "../examples.ts";
import { demand, type Say } from "../stage.ts";

/** Compiles an example with an edit, as somebody would make it in an editor. */
export async function editedModule(name: string, edit: (source: string) => string, say: Say): Promise<Module> {
  const original = readFileSync(examplePath(name), "utf8");
  const text = edit(original);
  demand(text !== original, "the edit did not change the example");
  const folder = mkdtempSync(join(tmpdir(), "iovisor-demo-"));
  try {
    const path = join(folder, `${name}.ts`);
    writeFileSync(path, text);
    const started = performance.now();
    const { module } = await compileSource(path, { cache: false });
    say(`edited, checked and compiled in ${(performance.now() - started).toFixed(0)} ms`);
    return module;
  } finally {
    rmSync(folder, { recursive: true });
  }
}
