import swagger from "@fastify/swagger";
import { type FastifyInstance, type FastifyReply, type FastifyRequest, fastify } from "fastify";
import { problemType } from "../api/problem.ts";
import { authorOf, type Caller } from "./callers.ts";
import type { DaemonContext } from "./context.ts";
import { toJson } from "./json.ts";
import { notFound, problemOf } from "./problems.ts";
import { resources } from "./resources/table.ts";
import { requestValidator } from "./validation.ts";

export type App = FastifyInstance;

/** Bodies of requests: a graph of ten thousand rules has one megabyte, of a million routes 47. */
const bodyBytes = 64 << 20;
const callersOfRequests = new WeakMap<FastifyRequest, Caller>();

/** The REST interface, ready to serve connections. */
export async function makeApp(context: DaemonContext): Promise<App> {
  const app: App = fastify({
    bodyLimit: bodyBytes,
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 512 },
    forceCloseConnections: true,
    frameworkErrors: (error, _request, reply) => {
      const problem = problemOf(error);
      void (reply as FastifyReply).code(problem.status).type(problemType).send(JSON.stringify(problem));
    },
  });
  app.removeContentTypeParser("text/plain");
  app.setValidatorCompiler(await requestValidator());
  // Schemas of responses are for the description; what is sent is made to them, and tests hold it against them.
  app.setSerializerCompiler(() => toJson);
  app.addHook("onRequest", async (request) => {
    callersOfRequests.set(request, context.callers.identify(request.raw.socket, request.headers.authorization));
  });
  app.addHook("onResponse", async (request, reply) => {
    const level = request.method === "GET" ? "debug" : "info";
    const caller = callersOfRequests.get(request);
    const author = caller ? { author: authorOf(caller) } : {};
    const took = { status: reply.statusCode, milliseconds: Math.round(reply.elapsedTime) };
    context.log[level]({ ...author, method: request.method, url: request.url, ...took }, "request");
  });
  app.setErrorHandler((error, request, reply) => {
    const problem = problemOf(error);
    if (problem.status >= 500) context.log.error({ error, method: request.method, url: request.url }, "request failed");
    if (problem.status === 401) void reply.header("www-authenticate", "Bearer");
    return reply.code(problem.status).type(problemType).send(problem);
  });
  app.setNotFoundHandler(({ method, url }) => {
    throw notFound(`resource ${method} ${url}`, "GET /v1/openapi.json lists the resources");
  });
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: { title: "IO Visor", version: context.version, description: "Functions in the running kernel" },
    },
  });
  await app.register(async (scope) => {
    for (const resource of resources) await resource(scope, context);
  });
  await app.ready();
  return app;
}

/** Who made a request, as revisions record it. */
export function authorOfRequest(request: FastifyRequest): string {
  const caller = callersOfRequests.get(request);
  return caller ? authorOf(caller) : "";
}
