import { Type } from "typebox";
import { Applied, ApplyRequest, Graph, Plan } from "../../api/graph.ts";
import { object } from "../../api/schema.ts";
import { graphDocument } from "../../engine/graph/canonical.ts";
import { renderChanges } from "../../engine/graph/render.ts";
import { renderActions } from "../../engine/visor/render-actions.ts";
import { IovisorError } from "../../errors.ts";
import { authorOfRequest } from "../app.ts";
import { matchesNone, requireMatch, tagOf } from "../etag.ts";
import { readGraph, within } from "../graph-input.ts";
import { bodyUnjudged } from "../validation.ts";
import { appliedAnswer } from "./applied.ts";
import { type Resource, route } from "./resource.ts";

const Comment = object({ comment: Type.Optional(Type.String({ maxLength: 1000 })) });

/** The live graph: read, planned, replaced. */
export const graph: Resource = (app, context) => {
  const { visor, changes } = context;
  // A graph's own check says more than its schema could.
  const validatorCompiler = bodyUnjudged(app);

  app.get("/v1/graph", { schema: route({ summary: "The live graph", answer: Graph }) }, async (request, reply) => {
    const tag = tagOf(visor.revision);
    reply.header("etag", tag);
    if (!matchesNone(request.headers["if-none-match"], visor.revision)) return reply.code(304).send();
    return graphDocument(visor.graph);
  });

  app.put<{ Body: unknown; Querystring: { comment?: string } }>(
    "/v1/graph",
    {
      validatorCompiler,
      schema: route({
        summary: "Make a graph the live one. With If-Match only when the live one has that tag",
        ...{ body: Graph, query: Comment, answer: Applied },
      }),
    },
    async (request, reply) => {
      const wanted = await readGraph(request.body, visor);
      const outcome = await changes.make(() => wanted, {
        author: authorOfRequest(request),
        comment: request.query.comment,
        precondition: (revision) => requireMatch(request.headers["if-match"], revision),
      });
      reply.header("etag", tagOf(outcome.revision));
      return appliedAnswer(outcome);
    },
  );

  app.post<{ Body: unknown }>(
    "/v1/plan",
    { validatorCompiler, schema: route({ summary: "What an apply of a graph would do", body: Graph, answer: Plan }) },
    async (request) => {
      const plan = await visor.plan(await readGraph(request.body, visor));
      const warnings = plan.warnings.map((warning) => `! ${warning}\n`).join("");
      return { ...plan, text: renderChanges(plan.changes) + renderActions(plan.actions) + warnings };
    },
  );

  app.post<{ Body: { graph?: unknown; comment?: string; expected?: number } }>(
    "/v1/apply",
    {
      validatorCompiler: bodyUnjudged(app, object({ ...ApplyRequest.properties, graph: Type.Unknown() })),
      schema: route({ summary: "Make a graph the live one", body: ApplyRequest, answer: Applied }),
    },
    async (request, reply) => {
      const { comment, expected } = request.body;
      const outcome = await within("/graph", "graph", async () => {
        const wanted = await readGraph(request.body.graph, visor);
        return await changes.make(() => wanted, {
          author: authorOfRequest(request),
          comment,
          precondition: (revision) => {
            requireMatch(request.headers["if-match"], revision);
            requireExpected(expected, revision?.number ?? 0);
          },
        });
      });
      reply.header("etag", tagOf(outcome.revision));
      return appliedAnswer(outcome);
    },
  );
};

function requireExpected(expected: number | undefined, now: number): void {
  if (expected === undefined || expected === now) return;
  const message = `the graph is at revision ${now}, the change was made for revision ${expected}`;
  throw new IovisorError("E_CONFLICT", message, "get the graph as it is now, and make the change again");
}
