import type { FastifyInstance, FastifySchemaCompiler } from "fastify";
import type { TSchema } from "typebox";
import type { Fault } from "../api/problem.ts";
import { schemaChecker } from "../engine/catalogue/json-schema.ts";
import { placeOf } from "../engine/graph/problems.ts";
import { RequestError } from "./problems.ts";

type Schema = Readonly<Record<string, unknown>>;

/** Holds parts of requests against their schemas. Only what comes in the address is converted: there all is text. */
export async function requestValidator(): Promise<FastifySchemaCompiler<unknown>> {
  const checker = await schemaChecker();
  return ({ schema, httpPart }) => {
    const check = checker(schema as Schema);
    return (data: unknown) => {
      const value = httpPart === "querystring" ? converted(schema as Schema, data) : data;
      const problems = check(value);
      if (problems.length === 0) return { value };
      return { error: new RequestError(problems.map(({ path, message }) => faultOf(path, message, httpPart))) };
    };
  };
}

/** For routes whose bodies are judged by others; `schema` says what is judged of them here. */
export function bodyUnjudged(app: FastifyInstance, schema?: TSchema): FastifySchemaCompiler<unknown> {
  return (part) => {
    const judge = app.validatorCompiler!;
    if (part.httpPart !== "body") return judge(part);
    return schema ? judge({ ...part, schema }) : (value: unknown) => ({ value });
  };
}

export function faultOf(path: readonly (string | number)[], message: string, part = "body"): Fault {
  const pointer = path.map((key) => `/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
  const remedy = "GET /v1/openapi.json describes every request";
  if (part === "body") return { pointer, place: placeOf(path), message, remedy };
  return { pointer: "", place: [part === "querystring" ? "query" : part, ...path].join("."), message, remedy };
}

function converted(schema: Schema, data: unknown): unknown {
  const properties = (schema["properties"] ?? {}) as Readonly<Record<string, Schema>>;
  const entries = Object.entries((data ?? {}) as Readonly<Record<string, unknown>>);
  return Object.fromEntries(entries.map(([name, value]) => [name, convert(properties[name]?.["type"], value)]));
}

function convert(type: unknown, value: unknown): unknown {
  if (typeof value !== "string") return value;
  if (type === "integer" && /^\d{1,15}$/.test(value)) return Number(value);
  if (type === "boolean" && /^(true|false)$/.test(value)) return value === "true";
  return value;
}
