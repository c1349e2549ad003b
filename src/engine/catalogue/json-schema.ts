import type { ErrorObject, ValidateFunction } from "ajv";
import { parseFormat } from "../../compiler/hir/formats.ts";
import type { JsonSchema } from "../../compiler/hir/settings-schema.ts";
import { showValue } from "../show-value.ts";
import type { ConfigProblem } from "./description.ts";

export type SchemaCheck = (value: unknown) => readonly ConfigProblem[];

let checker: Promise<(schema: JsonSchema) => SchemaCheck> | undefined;

/** Makes checks from JSON Schemas (draft 2020-12). One schema object is compiled once. */
export function schemaChecker(): Promise<(schema: JsonSchema) => SchemaCheck> {
  return (checker ??= makeChecker());
}

async function makeChecker(): Promise<(schema: JsonSchema) => SchemaCheck> {
  const { Ajv2020 } = await import("ajv/dist/2020.js");
  const ajv = new Ajv2020({
    allErrors: true,
    verbose: true,
    // Annotations of our own may stand in a schema; what a schema does not say is not its fault.
    strict: false,
    formats: {
      ipv4: (text: string) => parseFormat("ipv4", text) !== undefined,
      ipv6: (text: string) => parseFormat("ipv6", text) !== undefined,
    },
    validateFormats: true,
  });
  const compiled = new WeakMap<JsonSchema, ValidateFunction>();
  return (schema) => (value) => {
    const validate = compiled.get(schema) ?? ajv.compile(schema);
    compiled.set(schema, validate);
    return validate(value) ? [] : problemsOf(validate.errors ?? []);
  };
}

/** A value that fits none of several forms fails each of them: the one sentence about all says enough. */
function problemsOf(errors: readonly ErrorObject[]): readonly ConfigProblem[] {
  const choices = errors.filter(({ keyword }) => keyword === "oneOf" || keyword === "anyOf");
  const within = (error: ErrorObject): boolean =>
    choices.some((one) => one !== error && error.schemaPath.startsWith(`${one.schemaPath}/`));
  return errors.filter((error) => !within(error) && error.keyword !== "if").map(problemOf);
}

function problemOf(error: ErrorObject): ConfigProblem {
  const path = pathOf(error.instancePath);
  const { keyword, params } = error as { keyword: string; params: Readonly<Record<string, unknown>> };
  switch (keyword) {
    case "required":
      return { path: [...path, String(params["missingProperty"])], message: "is missing" };
    case "additionalProperties":
    case "unevaluatedProperties": {
      const properties = Object.keys((error.parentSchema?.["properties"] as object | undefined) ?? {});
      const name = params["additionalProperty"] ?? params["unevaluatedProperty"];
      return { path: [...path, String(name)], message: `no such key; there is ${properties.join(", ") || "none"}` };
    }
    case "enum":
      return { path, message: `expected one of ${(params["allowedValues"] as unknown[]).join(", ")}, ${got(error)}` };
    case "oneOf":
    case "anyOf":
      return { path, message: `fits none of the forms that it may have, ${got(error)}` };
    case "format":
    case "type":
      return { path, message: `expected ${[params[keyword]].flat().join(" or ")}, ${got(error)}` };
    default:
      return { path, message: `${error.message ?? keyword}, ${got(error)}` };
  }
}

function got(error: ErrorObject): string {
  return `got ${showValue(error.data)}`;
}

/** A pointer's parts. What looks like a number is taken for an index of a list. */
function pathOf(pointer: string): readonly (string | number)[] {
  return pointer
    .split("/")
    .slice(1)
    .map((part) => part.replaceAll("~1", "/").replaceAll("~0", "~"))
    .map((part) => (/^(0|[1-9]\d*)$/.test(part) ? Number(part) : part));
}
