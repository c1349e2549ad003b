import { fileURLToPath } from "node:url";
import type { Module } from "../../compiler/hir/tree.ts";
import { compileSource } from "../../engine/source.ts";
import type { Say } from "./stage.ts";

/** The path of one of the examples that come with IO Visor. */
export function examplePath(name: string): string {
  return fileURLToPath(new URL(`../../../examples/${name}.ts`, import.meta.url));
}

/** Compiles an example to HIR and says how long it took. */
export async function compileExample(name: string, say: Say): Promise<Module> {
  const started = performance.now();
  const { module, cached } = await compileSource(examplePath(name));
  const time = (performance.now() - started).toFixed(0);
  say(`examples/${name}.ts: ${cached ? "from the cache" : "checked and compiled"} in ${time} ms`);
  return module;
}
