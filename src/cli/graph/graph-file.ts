import { dirname, resolve } from "node:path";
import type { GraphDocument } from "../../api/graph.ts";
import { packageFolder } from "../../engine/catalogue/package-folder.ts";
import { graphDocument } from "../../engine/graph/canonical.ts";
import { byPosition, loadGraph, locateIn } from "../../engine/graph/parse.ts";
import { GraphError, problemOf } from "../../engine/graph/problems.ts";
import { builtInFunctions } from "../../functions/table.ts";
import { ApiError } from "../client/client.ts";

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
 * Says what the daemon has against a graph of the file that it came from, with lines and columns.
 *
 * @param within where the graph stands in the request's body
 */
export function inTermsOf(path: string, within = ""): (error: unknown) => Promise<never> {
  return async (error) => {
    if (!(error instanceof ApiError && error.code === "E_GRAPH" && error.faults.length > 0)) throw error;
    const locate = await locateIn(path);
    const problems = error.faults.map(({ pointer, message, remedy }) => {
      const parts = pointer.slice(within.length).split("/").slice(1);
      const keys = parts.map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"));
      return problemOf({ path: keys.map((key) => (/^\d+$/.test(key) ? Number(key) : key)), message, remedy }, locate);
    });
    throw new GraphError(problems.sort(byPosition), path);
  };
}

/**
 * A function's kind as it means the same everywhere: folders and packages that this folder can see become absolute
 * paths. A package that it cannot see may be one of the daemon's.
 */
export function absoluteKind(kind: string, folder: string): string {
  if (Object.hasOwn(builtInFunctions, kind) || kind.startsWith("/")) return kind;
  if (/^\.{1,2}(\/|$)/.test(kind)) return resolve(folder, kind);
  return packageFolder(kind, folder) ?? kind;
}
