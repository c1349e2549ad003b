import { createHash } from "node:crypto";
import { memoOf } from "../memo.ts";
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
  const functions = sortedEntries(graph.functions).map(([name, instance]) => [name, instanceText(instance)] as const);
  const devices = sortedEntries(graph.devices).map(
    ([name, device]) => [name, JSON.stringify(deviceDocument(device))] as const,
  );
  const links = JSON.stringify(graph.links.map(linkKey).sort(compareText));
  return `{"devices":${objectText(devices)},"functions":${objectText(functions)},"links":${links}}`;
}

function instanceText({ kind, config, ports }: Instance): string {
  const inOrder = Object.entries(ports).map(([port, settings]) => [port, canonicalJson(settings)] as const);
  return objectText([
    ["kind", JSON.stringify(kind)],
    ...(Object.keys(config).length > 0 ? [["config", canonicalJson(config)] as const] : []),
    ...(inOrder.length > 0 ? [["ports", objectText(inOrder)] as const] : []),
  ]);
}

function objectText(members: readonly (readonly [name: string, text: string])[]): string {
  return `{${members.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(",")}}`;
}

/** SHA-256 of the canonical text, in hex: equal for graphs that mean the same. */
export function graphHash(graph: Graph): string {
  return hashOfText(canonicalText(graph));
}

/** @param text may be its UTF-8 instead, where that is there already. */
export function hashOfText(text: string | Uint8Array): string {
  return createHash("sha256").update(text).digest("hex");
}

export function sortedEntries<T>(record: Readonly<Record<string, T>>): readonly (readonly [string, T])[] {
  return Object.entries(record).sort(([a], [b]) => compareText(a, b));
}

/** A value as JSON with sorted keys. */
export function canonicalJson(value: JsonValue): string {
  return typeof value === "object" && value !== null ? innerText(value) : JSON.stringify(value);
}

const innerText = memoOf((value: readonly JsonValue[] | JsonObject): string => {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  const object = value as JsonObject;
  const names = Object.keys(object);
  if (!names.every((name, index) => index === 0 || compareText(names[index - 1]!, name) < 0)) names.sort(compareText);
  const members = names.map((name) => [JSON.stringify(name), ":", canonicalJson(object[name]!)].join(""));
  // Joined, the text is one piece of memory; what `+` makes keeps all its parts.
  return ["{", members.join(","), "}"].join("");
});

/** Equality of values; the order of an object's keys says nothing. */
export function sameValue(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  if (isList(a) || isList(b)) {
    return isList(a) && isList(b) && a.length === b.length && a.every((item, index) => sameValue(item, b[index]));
  }
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => Object.hasOwn(b, name) && sameValue(a[name], b[name]))
  );
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
