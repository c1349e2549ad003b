import type { FastifyInstance, FastifySchema } from "fastify";
import type { TSchema } from "typebox";
import { Problem } from "../../api/problem.ts";
import type { DaemonContext } from "../context.ts";

/** What the file of a resource exports: adds its routes. */
export type Resource = (app: FastifyInstance, context: DaemonContext) => void | Promise<void>;

interface RouteSchema {
  readonly summary: string;
  readonly body?: TSchema;
  readonly query?: TSchema;
  /** Of the answer; undefined for one that is no JSON. */
  readonly answer?: TSchema;
  /** Media type of an answer that is no JSON. */
  readonly media?: string;
}

/** The schema of a route, with what can go wrong. */
export function route({ summary, body, query, answer, media }: RouteSchema): FastifySchema {
  const good = answer ?? { type: "string" };
  const content = media === undefined ? good : { description: "as text", content: { [media]: { schema: good } } };
  return {
    summary,
    ...(body ? { body } : {}),
    ...(query ? { querystring: query } : {}),
    response: {
      200: content,
      "4xx": { description: "refused", content: { "application/problem+json": { schema: Problem } } },
      "5xx": { description: "failed", content: { "application/problem+json": { schema: Problem } } },
    },
  } as FastifySchema;
}
