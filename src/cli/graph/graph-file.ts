import { dirname, resolve } from "node:path";
import type { GraphDocument } from "../../api/graph.ts";
import type { Fault } from "../../api/problem.ts";
import { packageFolder } from "../../engine/catalogue/package-folder.ts";
import { graphDocument } from "../../engine/graph/canonical.ts";
import { byPosition, type ExaminedFile, examineFile, locateIn } from "../../engine/graph/parse.ts";
import { GraphError, type Locate, type Problem, pathOf, problemOf } from "../../engine/graph/problems.ts";
import { builtInFunctions } from "../../functions/table.ts";
import { ApiError, type Client } from "../client/client.ts";

/**
 * A graph's file as the daemon takes it. Where something is wrong with the file by itself, the daemon is asked what is
 * wrong with the rest of it, so that all is told at once.
 *
 * @throws GraphError, E_USAGE
 */
export async function readGraphFile(path: string, client: Pick<Client, "send">): Promise<GraphDocument> {
  const file = await examineFile(path);
  const folder = dirname(resolve(path));
  if (file.problems.length > 0) {
    const others = await problemsByDaemon(file, folder, client);
    throw new GraphError([...file.problems, ...others].sort(byPosition), path);
  }
  const functions = Object.entries(file.graph.functions).map(([name, instance]) => {
    return [name, { ...instance, kind: absoluteKind(instance.kind, folder) }] as const;
  });
  return graphDocument({ ...file.graph, functions: Object.fromEntries(functions) }) as GraphDocument;
}

/** What a daemon that answers finds beside what is known of a file. */
async function problemsByDaemon(
  { value, locate, problems }: ExaminedFile,
  folder: string,
  client: Pick<Client, "send">,
): Promise<readonly Problem[]> {
  try {
    if (value !== undefined) await client.send("POST", "/v1/plan", { body: withAbsoluteKinds(value, folder) });
  } catch (error) {
    if (!isRefusedGraph(error)) return [];
    const isKnown = ({ pointer, message }: Fault): boolean =>
      problems.some((known) => {
        // Several things may be wrong with one link.
        if (known.path.startsWith("/links/")) return pointer === known.path && message === known.message;
        return known.path !== "" && `${pointer}/`.startsWith(`${known.path}/`);
      });
    return placed(
      error.faults.filter((fault) => !isKnown(fault)),
      "",
      locate,
    );
  }
  return [];
}

function withAbsoluteKinds(value: unknown, folder: string): unknown {
  const { functions, ...others } = value as { readonly functions?: Readonly<Record<string, unknown>> };
  if (typeof functions !== "object" || functions === null || Array.isArray(functions)) return value;
  const absolute = Object.entries(functions).map(([name, instance]) => {
    const kind = (instance as { readonly kind?: unknown } | null)?.kind;
    return [name, typeof kind === "string" ? { ...(instance as object), kind: absoluteKind(kind, folder) } : instance];
  });
  return { ...others, functions: Object.fromEntries(absolute) };
}

/**
 * Says what the daemon has against a graph of the file that it came from, with lines and columns.
 *
 * @param within where the graph stands in the request's body
 */
export function inTermsOf(path: string, within = ""): (error: unknown) => Promise<never> {
  return async (error) => {
    if (!isRefusedGraph(error)) throw error;
    const problems = placed(error.faults, within, await locateIn(path));
    throw new GraphError([...problems].sort(byPosition), path);
  };
}

function isRefusedGraph(error: unknown): error is ApiError {
  return error instanceof ApiError && error.code === "E_GRAPH" && error.faults.length > 0;
}

function placed(faults: readonly Fault[], within: string, locate: Locate | undefined): readonly Problem[] {
  return faults.map(({ pointer, message, remedy }) => {
    return problemOf({ path: pathOf(pointer.slice(within.length)), message, remedy }, locate);
  });
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
