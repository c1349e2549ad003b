import { Type } from "typebox";
import { Applied, Graph, Revisions, RollbackRequest } from "../../api/graph.ts";
import { object } from "../../api/schema.ts";
import { graphDocument } from "../../engine/graph/canonical.ts";
import type { Graph as GraphData } from "../../engine/graph/types.ts";
import { authorOfRequest } from "../app.ts";
import type { DaemonContext } from "../context.ts";
import { requireMatch, tagOf } from "../etag.ts";
import { notFound } from "../problems.ts";
import { appliedAnswer } from "./applied.ts";
import { type Resource, route } from "./resource.ts";

const Limit = object({ limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 10_000, default: 100 })) });

interface Numbered {
  readonly number: string;
}

/** The history of the graph. */
export const revisions: Resource = (app, context) => {
  const { visor, changes } = context;

  app.get<{ Querystring: { limit?: number } }>(
    "/v1/revisions",
    { schema: route({ summary: "Revisions, newest first", query: Limit, answer: Revisions }) },
    async (request) => {
      return { live: visor.revision?.number ?? 0, revisions: await visor.revisions(request.query.limit ?? 100) };
    },
  );

  app.get<{ Params: Numbered }>(
    "/v1/revisions/:number",
    { schema: route({ summary: "The graph of a revision", answer: Graph }) },
    async (request) => graphDocument(await graphOf(context, request.params.number)),
  );

  app.post<{ Params: Numbered; Body: { comment?: string } | undefined }>(
    "/v1/revisions/:number/rollback",
    {
      schema: route({
        summary: "Make the graph of an earlier revision the live one, as a new revision",
        ...{ body: Type.Union([RollbackRequest, Type.Null()]), answer: Applied },
      }),
    },
    async (request, reply) => {
      const { number } = request.params;
      const graph = await graphOf(context, number);
      const outcome = await changes.make(() => graph, {
        author: authorOfRequest(request),
        comment: request.body?.comment ?? `rollback to revision ${number}`,
        precondition: (revision) => requireMatch(request.headers["if-match"], revision),
      });
      reply.header("etag", tagOf(outcome.revision));
      return appliedAnswer(outcome);
    },
  );
};

async function graphOf({ visor }: DaemonContext, text: string): Promise<GraphData> {
  const number = /^[1-9]\d{0,11}$/.test(text) ? Number(text) : undefined;
  const known = number !== undefined && (await visor.revisions()).some((revision) => revision.number === number);
  if (known) return await visor.graphOf(number);
  throw notFound(`revision ${text}`, "`iovisor get revisions` lists them");
}
