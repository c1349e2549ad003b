import type { CataloguedFunction, FunctionCatalogue } from "../catalogue/functions.ts";
import { type Examined, examineGraph } from "../graph/parse.ts";
import type { Finding } from "../graph/problems.ts";
import type { Graph } from "../graph/types.ts";
import { checkInstances } from "./check-instances.ts";

export interface ExaminedGraph extends Examined {
  readonly functions: ReadonlyMap<string, CataloguedFunction>;
}

/**
 * A graph's document with all that is wrong with it: its form, what it says of the functions that there are, and what
 * these say of it, as far as one does not follow from the other.
 *
 * @param wanted its instances, as far as they could be read.
 * @param previous what did not change is shared with it.
 * @throws DiagnosticsError, E_HOST_SIDE of functions that cannot be loaded
 */
export async function examineDocument(
  document: object,
  wanted: Graph["functions"],
  { functions, base }: { readonly functions: FunctionCatalogue; readonly base: string },
  previous: Graph,
): Promise<ExaminedGraph> {
  const kinds = Object.values(wanted).flatMap(({ kind }) => (kind === "" ? [] : kind));
  const { found, missing } = await functions.loadAll(kinds, base);
  const catalogue = new Map([...found].map(([kind, { description }]) => [kind, description]));
  const more = (graph: Graph, findings: readonly Finding[]) => checkInstances(graph, found, findings);
  return { ...(await examineGraph(document, { catalogue, missing, previous, more })), functions: found };
}
