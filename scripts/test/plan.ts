import { readFileSync } from "node:fs";
import { join } from "node:path";
import { importGraph, reachable } from "./imports.ts";

export interface Plan {
  /** Files that need nothing of the machine: they run side by side. */
  readonly unit: readonly string[];
  /** Files that touch the kernel: one after another, since program and map counts are machine-wide. */
  readonly kernel: readonly string[];
}

/** The one file through which everything reaches the kernel. */
const gate = "src/kernel/sys/native.ts";

/**
 * Sorts the test files. A file is a kernel test when its name says so (`x.kernel.test.ts`: it starts a command, for
 * example) or when its imports reach the FFI.
 */
export function planTests(files: readonly string[], root: string): Plan {
  const sources = files.filter((path) => path.endsWith(".ts"));
  const graph = importGraph(new Map(sources.map((path) => [path, readFileSync(join(root, path), "utf8")])));
  const tests = sources.filter((path) => path.endsWith(".test.ts"));
  const isKernel = (path: string): boolean => path.endsWith(".kernel.test.ts") || reachable(graph, [path]).has(gate);
  return { unit: tests.filter((path) => !isKernel(path)), kernel: tests.filter(isKernel) };
}
