import { createRequire } from "node:module";
import { dirname, join, resolve } from "node:path";
import type { GraphDocument } from "../../api/graph.ts";
import { graphDocument } from "../../engine/graph/canonical.ts";
import { loadGraph } from "../../engine/graph/parse.ts";
import { builtInFunctions } from "../../functions/table.ts";

/** A graph's file as the daemon takes it. @throws GraphError, E_USAGE */
export async function readGraphFile(path: string): Promise<GraphDocument> {
  const graph = await loadGraph(path);
  const folder = dirname(resolve(path));
  const functions = Object.entries(graph.functions).map(([name, instance]) => {
    return [name, { ...instance, kind: absoluteKind(instance.kind, folder) }] as const;
  });
  return graphDocument({ ...graph, functions: Object.fromEntries(functions) }) as GraphDocument;
}

/**
 * A function's kind as it means the same everywhere: folders and packages that this folder can see become absolute
 * paths. A package that it cannot see may be one of the daemon's.
 */
export function absoluteKind(kind: string, folder: string): string {
  if (Object.hasOwn(builtInFunctions, kind) || kind.startsWith("/")) return kind;
  if (/^\.{1,2}(\/|$)/.test(kind)) return resolve(folder, kind);
  try {
    return dirname(createRequire(join(folder, "graph.js")).resolve(`${kind}/package.json`));
  } catch {
    return kind;
  }
}
