import { inOrder } from "../engine/graph/follow-ups.ts";
import { examineGraph } from "../engine/graph/parse.ts";
import { GraphError, type Problem, pathOf } from "../engine/graph/problems.ts";
import type { Graph } from "../engine/graph/types.ts";
import type { Visor } from "../engine/visor/visor.ts";

/**
 * The graph in a request. Its functions are looked up only where something is wrong with it by itself, so that all is
 * told at once.
 *
 * @throws GraphError
 */
export async function readGraph(document: unknown, visor: Pick<Visor, "examine">): Promise<Graph> {
  const { graph, problems } = await examineGraph(document as object);
  const relative = relativeKinds(graph);
  if (problems.length + relative.length === 0) return graph;
  const all = await visor.examine(document as object).catch(() => problems);
  const others = all.filter(({ path }) => !relative.some((one) => one.path === path));
  throw new GraphError(inOrder(document, [...others, ...relative], ({ path }) => pathOf(path)));
}

/** @throws GraphError */
export function refuseRelative(graph: Graph): void {
  const problems = relativeKinds(graph);
  if (problems.length > 0) throw new GraphError(problems);
}

/** A folder relative to a graph's file: only who read the file knows which one that is. */
function relativeKinds(graph: Graph): readonly Problem[] {
  return Object.entries(graph.functions).flatMap(([name, { kind }]): Problem[] => {
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
