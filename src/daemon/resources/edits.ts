import { Applied, type Edit, Edits, edits as editSchemas, mostEdits } from "../../api/graph.ts";
import { schemaChecker } from "../../engine/catalogue/json-schema.ts";
import { editGraph, type Edit as GraphEdit } from "../../engine/graph/edit.ts";
import { GraphError } from "../../engine/graph/problems.ts";
import type { Graph } from "../../engine/graph/types.ts";
import { authorOfRequest } from "../app.ts";
import { requireMatch, tagOf } from "../etag.ts";
import { refuseRelative } from "../graph-input.ts";
import { RequestError } from "../problems.ts";
import { bodyUnjudged, faultOf } from "../validation.ts";
import { appliedAnswer } from "./applied.ts";
import { type Resource, route } from "./resource.ts";

/** Imperative changes of the live graph. */
export const edits: Resource = async (app, { changes }) => {
  const check = await editChecker();
  app.post<{ Body: { edits: readonly Edit[]; comment?: string } }>(
    "/v1/graph/edits",
    {
      validatorCompiler: bodyUnjudged(app),
      schema: route({ summary: "Change the live graph by edits, all or none", body: Edits, answer: Applied }),
    },
    async (request, reply) => {
      check(request.body);
      const { edits: wanted, comment } = request.body;
      const outcome = await inGraph(() =>
        changes.make((graph) => makeEdits(graph, wanted), {
          author: authorOfRequest(request),
          comment,
          precondition: (revision) => requireMatch(request.headers["if-match"], revision),
        }),
      );
      reply.header("etag", tagOf(outcome.revision));
      return appliedAnswer(outcome);
    },
  );
};

/** Each edit against the schema of its kind: faults of ten alternatives at once would say nothing. */
async function editChecker(): Promise<(body: unknown) => void> {
  const checker = await schemaChecker();
  const outside = checker({ ...Edits, properties: { ...Edits.properties, edits: { ...listOnly } } });
  const checks = Object.entries(editSchemas).map(([kind, schema]) => [kind, checker({ ...schema })] as const);
  const byKind = new Map<unknown, ReturnType<typeof checker>>(checks);
  return (body) => {
    const faults = outside(body).map(({ path, message }) => faultOf(path, message));
    if (faults.length > 0) throw new RequestError(faults);
    const found = (body as { edits: readonly unknown[] }).edits.flatMap((edit, index) => {
      const { kind } = (edit ?? {}) as { readonly kind?: unknown };
      const one = byKind.get(kind);
      if (!one) return [faultOf(["edits", index, "kind"], `must be one of ${[...byKind.keys()].join(", ")}`)];
      return one(edit).map(({ path, message }) => faultOf(["edits", index, ...path], message));
    });
    if (found.length > 0) throw new RequestError(found);
  };
}

const listOnly = { type: "array", minItems: 1, maxItems: mostEdits };

async function makeEdits(graph: Graph, wanted: readonly Edit[]): Promise<Graph> {
  let edited = graph;
  for (const [index, edit] of wanted.entries()) {
    try {
      edited = await editGraph(edited, edit as GraphEdit);
      refuseRelative(edited);
    } catch (error) {
      if (!(error instanceof GraphError)) throw error;
      throw refused(error, `/edits/${index}`, `edits[${index}]: `);
    }
  }
  return edited;
}

/** What is wrong with the graph that the edits make stands nowhere in the request. */
async function inGraph<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof GraphError)) throw error;
    throw refused(error, "", "");
  }
}

function refused(error: GraphError, pointer: string, prefix: string): RequestError {
  const faults = error.problems.map(({ place, message, remedy }) => ({
    pointer,
    place: `${prefix}${place}`,
    message,
    remedy,
  }));
  return new RequestError(faults, "E_GRAPH");
}
