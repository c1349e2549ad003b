import { readFileSync } from "node:fs";
import { IovisorError } from "../../errors.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
export type JsonObject = { readonly [name: string]: Json };

/**
 * Configuration of the command line: `ageing=300`, `limits.burst=5` for a member of an object, `rules=@file.json`. What
 * reads as JSON is JSON, all else a text: `name="10"` is a text as well.
 */
export function parseConfig(texts: readonly string[], before: JsonObject = {}): JsonObject {
  return texts.reduce((config, text) => {
    const equals = text.indexOf("=");
    if (equals <= 0) throw usage(`"${text}" is no setting`, "write NAME=VALUE");
    const path = text.slice(0, equals).split(".");
    if (path.some((part) => part === "")) throw usage(`"${text}" does not name a setting`, "write NAME or NAME.FIELD");
    return placed(config, path, readValue(text.slice(equals + 1)));
  }, before);
}

function placed(config: JsonObject, [name = "", ...rest]: readonly string[], value: Json): JsonObject {
  if (rest.length === 0) return { ...config, [name]: value };
  const known = Object.hasOwn(config, name) ? config[name] : undefined;
  const inner = typeof known === "object" && known !== null && !Array.isArray(known) ? (known as JsonObject) : {};
  return { ...config, [name]: placed(inner, rest, value) };
}

export function readValue(text: string): Json {
  if (text.startsWith("@")) return parseJson(readFile(text.slice(1)), text.slice(1));
  if (/^(true|false|null|-?\d+(\.\d+)?)$/.test(text) || /^[[{"]/.test(text)) return parseJson(text, text);
  return text;
}

function readFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw usage(`${path} cannot be read: ${(error as Error).message}`, "give the path of a JSON file behind @");
  }
}

/** Integers beyond 53 bits keep their digits: as texts. */
function parseJson(json: string, where: string): Json {
  try {
    return JSON.parse(json, (_key, value: unknown, context?: { readonly source?: string }) =>
      typeof value === "number" && Number.isInteger(value) && !Number.isSafeInteger(value)
        ? (context?.source ?? value)
        : value,
    ) as Json;
  } catch (error) {
    throw usage(`${where}: ${(error as Error).message}`, "give well-formed JSON");
  }
}

function usage(message: string, remedy: string): IovisorError {
  return new IovisorError("E_USAGE", message, remedy);
}
