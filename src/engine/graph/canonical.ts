import { createHash } from "node:crypto";
import { compareText, linkKey, printLink } from "./links.ts";
import type { Device, Graph, Instance, JsonObject, JsonValue } from "./types.ts";

/** A graph in the form that people write; `parseGraph` reads it back. Empty parts are left out. */
export function graphDocument(graph: Graph): JsonObject {
  const mapped = <T>(record: Readonly<Record<string, T>>, document: (value: T) => JsonValue): JsonObject =>
    Object.fromEntries(Object.entries(record).map(([name, value]) => [name, document(value)]));
  return {
    functions: mapped(graph.functions, instanceDocument),
    ...(Object.keys(graph.devices).length > 0 ? { devices: mapped(graph.devices, deviceDocument) } : {}),
    ...(graph.links.length > 0 ? { links: graph.links.map(printLink) } : {}),
  };
}

export function instanceDocument({ kind, config, ports }: Instance): JsonObject {
  return {
    kind,
    ...(Object.keys(config).length > 0 ? { config } : {}),
    ...(Object.keys(ports).length > 0 ? { ports } : {}),
  };
}

export function deviceDocument({ name, netns, hook }: Device): JsonObject {
  return { name, ...(netns === undefined ? {} : { netns }), ...(hook === "auto" ? {} : { hook }) };
}

/**
 * The one text that all ways to write the same graph have: keys sorted, links in normal form and sorted. The order of
 * an instance's ports stays, since it numbers them.
 */
export function canonicalText(graph: Graph): string {
  const functions = sortedEntries(graph.functions).map(([name, { kind, config, ports }]) => {
    const inOrder = Object.entries(ports).map(([port, settings]) => [port, sorted(settings)] as const);
    return [name, instanceDocument({ kind, config: sorted(config), ports: Object.fromEntries(inOrder) })] as const;
  });
  const devices = sortedEntries(graph.devices).map(([name, device]) => [name, deviceDocument(device)] as const);
  return JSON.stringify({
    devices: Object.fromEntries(devices),
    functions: Object.fromEntries(functions),
    links: graph.links.map(linkKey).sort(compareText),
  });
}

/** SHA-256 of the canonical text, in hex: equal for graphs that mean the same. */
export function graphHash(graph: Graph): string {
  return createHash("sha256").update(canonicalText(graph)).digest("hex");
}

export function sortedEntries<T>(record: Readonly<Record<string, T>>): readonly (readonly [string, T])[] {
  return Object.entries(record).sort(([a], [b]) => compareText(a, b));
}

function sorted(value: JsonObject): JsonObject;
function sorted(value: JsonValue): JsonValue;
function sorted(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map((item) => sorted(item));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(sortedEntries(value as JsonObject).map(([key, inner]) => [key, sorted(inner)]));
}

/** A value as JSON with sorted keys. */
export function canonicalJson(value: JsonValue): string {
  return JSON.stringify(sorted(value));
}

/** Equality of values; the order of an object's keys says nothing. */
export function sameValue(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return canonicalJson(a) === canonicalJson(b);
}
