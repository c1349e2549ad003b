/** Where results go: out/bench/, which git ignores. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");

/** A file of this folder. */
export function benchFile(...names: readonly string[]): string {
  return join(root, "bench", ...names);
}

/** A folder for results; it exists afterwards. */
export function outputFolder(...names: readonly string[]): string {
  const folder = join(root, "out", "bench", ...names);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** Writes a result and returns its path relative to the project. */
export function writeOutput(name: string, text: string): string {
  writeFileSync(join(outputFolder(), name), text);
  return join("out", "bench", name);
}

/** JSON with bigints as decimal text. */
export function toJson(value: unknown): string {
  return `${JSON.stringify(value, (_, item) => (typeof item === "bigint" ? item.toString() : item), 2)}\n`;
}
