import { keepImmutable } from "../../compiler/hir/immutable.ts";
import type { Graph, Instance, JsonObject, JsonValue } from "./types.ts";

/**
 * A graph in which what did not change is the very object that an earlier graph has, and whose configuration can never
 * change: what was worked out from the earlier one holds for it.
 */
export function shareGraph(old: Graph, next: Graph): Graph {
  const functions = Object.entries(next.functions).map(([name, instance]) => {
    const before = Object.hasOwn(old.functions, name) ? old.functions[name] : undefined;
    return [name, shareInstance(before, instance)] as const;
  });
  return { ...next, functions: Object.fromEntries(functions) };
}

function shareInstance(old: Instance | undefined, next: Instance): Instance {
  const ports = Object.entries(next.ports).map(([name, settings]) => {
    const before = old && Object.hasOwn(old.ports, name) ? old.ports[name] : undefined;
    return [name, keepImmutable(shared(before, settings) as JsonObject)] as const;
  });
  const config = keepImmutable(shared(old?.config, next.config) as JsonObject);
  return { ...next, config, ports: Object.fromEntries(ports) };
}

/** An equal value, made of as much of the old one as there is in both. */
function shared(old: JsonValue | undefined, next: JsonValue): JsonValue {
  if (old === next) return next;
  if (typeof old !== "object" || typeof next !== "object" || old === null || next === null) return next;
  if (isList(next)) return isList(old) ? sharedList(old, next) : next;
  return isList(old) ? next : sharedObject(old, next);
}

function sharedObject(old: JsonObject, next: JsonObject): JsonObject {
  const names = Object.keys(next);
  let same = names.length === Object.keys(old).length;
  const members = names.map((name) => {
    const before = Object.hasOwn(old, name) ? old[name] : undefined;
    const member = shared(before, next[name]!);
    if (member !== before) same = false;
    return [name, member] as const;
  });
  return same ? old : Object.fromEntries(members);
}

/** Item by item; where some were put in or taken out, by the first and the last ones. */
function sharedList(old: readonly JsonValue[], next: readonly JsonValue[]): readonly JsonValue[] {
  const sameLength = old.length === next.length;
  const items = [...next];
  const shorter = Math.min(old.length, next.length);
  let [start, same] = [0, sameLength];
  for (; start < shorter; start++) {
    items[start] = shared(old[start], next[start]!);
    if (items[start] === old[start]) continue;
    same = false;
    if (!sameLength) break;
  }
  if (same) return old;
  for (let end = 1; end <= shorter - start; end++) {
    const item = shared(old.at(-end), next.at(-end)!);
    items[items.length - end] = item;
    if (item !== old.at(-end)) break;
  }
  return items;
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
