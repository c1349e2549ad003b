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

/** Item by item; where some were put in, taken out or moved, by what they say. */
function sharedList(old: readonly JsonValue[], next: readonly JsonValue[]): readonly JsonValue[] {
  const items = [...next];
  /** Whether an item is one of the old list. */
  const share = (index: number, place: number): boolean => {
    items[index] = shared(old[place], next[index]!);
    return items[index] === old[place];
  };
  const shorter = Math.min(old.length, next.length);
  let [start, end] = [0, 0];
  while (start < shorter && share(start, start)) start++;
  if (start === old.length && start === next.length) return old;
  while (end < shorter - start && share(next.length - 1 - end, old.length - 1 - end)) end++;
  shareMoved({ old, next, start, oldEnd: old.length - end, nextEnd: next.length - end, share });
  return items;
}

/**
 * The part between what is alike at both ends. One item that was changed, put in or taken out is seen by the next one;
 * whatever else moved is looked up by its text, so that all of it takes as long as the list is.
 */
function shareMoved(part: {
  readonly old: readonly JsonValue[];
  readonly next: readonly JsonValue[];
  readonly start: number;
  readonly oldEnd: number;
  readonly nextEnd: number;
  share(index: number, place: number): boolean;
}): void {
  const { old, next, start, oldEnd, nextEnd, share } = part;
  const isAt = (index: number, place: number): boolean => index < nextEnd && place < oldEnd && share(index, place);
  let places: Map<string, number> | undefined;
  /** How far behind its new place an item was. */
  let shift = 0;
  for (let index = start; index < nextEnd; index++) {
    const place = index + shift;
    if (isAt(index, place) || isAt(index + 1, place + 1)) continue;
    if (isAt(index, place + 1)) shift++;
    else if (isAt(index + 1, place)) shift--;
    else {
      places ??= placesOf(old, start, oldEnd);
      const found = places.get(JSON.stringify(next[index]));
      if (found !== undefined && share(index, found)) shift = found - index;
    }
  }
}

function placesOf(items: readonly JsonValue[], start: number, end: number): Map<string, number> {
  const places = new Map<string, number>();
  for (let place = start; place < end; place++) places.set(JSON.stringify(items[place]), place);
  return places;
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
