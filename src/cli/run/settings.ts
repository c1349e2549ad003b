import { readFileSync } from "node:fs";
import { systemReason } from "../../engine/files.ts";
import { IovisorError } from "../../errors.ts";

/**
 * Settings of the command line: `name=value`, `limits.burst=5` for a field of a struct, JSON where the value is a list
 * or an object, `rules=@file.json` for JSON in a file. What a value means is decided by the setting's declaration.
 */
export function parseSettings(texts: readonly string[]): Record<string, unknown> {
  const settings: Record<string, unknown> = {};
  for (const text of texts) {
    const equals = text.indexOf("=");
    if (equals <= 0) throw usage(`"${text}" is not a setting`, "write it as --set NAME=VALUE");
    place(settings, text.slice(0, equals).split("."), readValue(text.slice(equals + 1), text), text);
  }
  return settings;
}

function place(target: Record<string, unknown>, path: readonly string[], value: unknown, text: string): void {
  const [name = "", ...rest] = path;
  if (name === "" || name === "__proto__") throw usage(`"${text}" does not name a setting`, "write NAME or NAME.FIELD");
  if (rest.length === 0) {
    target[name] = value;
    return;
  }
  const known = target[name];
  const inner = typeof known === "object" && known !== null && !Array.isArray(known) ? known : {};
  target[name] = inner;
  place(inner as Record<string, unknown>, rest, value, text);
}

function readValue(value: string, text: string): unknown {
  if (value.startsWith("@")) return parseJson(readFile(value.slice(1)), value.slice(1));
  return /^[[{]/.test(value) ? parseJson(value, text) : value;
}

function readFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw usage(`${path} cannot be read: ${systemReason(error)}`, "give the path of a JSON file behind @");
  }
}

/** JSON whose integers beyond 2^53 keep their digits: they become strings, which settings read as integers. */
function parseJson(json: string, where: string): unknown {
  try {
    return JSON.parse(json, (_key, value: unknown, context?: { readonly source?: string }) =>
      typeof value === "number" && !Number.isSafeInteger(value) ? (context?.source ?? value) : value,
    );
  } catch (error) {
    throw usage(`${where}: ${(error as Error).message}`, "give well-formed JSON");
  }
}

function usage(message: string, remedy: string): IovisorError {
  return new IovisorError("E_USAGE", message, remedy);
}
