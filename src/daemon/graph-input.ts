import { parseGraph } from "../engine/graph/parse.ts";
import { GraphError, type Problem } from "../engine/graph/problems.ts";
import type { Graph } from "../engine/graph/types.ts";

/**
 * The graph in a request. Its functions are not looked up yet.
 *
 * @throws GraphError
 */
export async function readGraph(document: unknown): Promise<Graph> {
  const graph = await parseGraph(document as object);
  refuseRelative(graph);
  return graph;
}

/** A folder relative to a graph's file: only who read the file knows which one that is. */
export function refuseRelative(graph: Graph): void {
  const problems = Object.entries(graph.functions).flatMap(([name, { kind }]): Problem[] => {
    if (!/^\.{1,2}(\/|$)/.test(kind)) return [];
    return [
      {
        path: `/functions/${name}/kind`,
        place: `functions.${name}.kind`,
        message: `'${kind}' is relative to a file that the daemon does not see`,
        remedy: "give the absolute path of the folder",
      },
    ];
  });
  if (problems.length > 0) throw new GraphError(problems);
}

/** Says problems of a graph where the graph stands in the body. */
export async function within<T>(pointer: string, place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof GraphError)) throw error;
    throw new GraphError(
      error.problems.map((problem) => ({
        ...problem,
        path: pointer + problem.path,
        place: problem.place === "" ? place : `${place}.${problem.place}`,
      })),
    );
  }
}
