import { sameValue, sortedEntries } from "./canonical.ts";
import type { Change, ValueChange } from "./changes.ts";
import { compareText, linkKey, normaliseLink } from "./links.ts";
import type { Path } from "./problems.ts";
import type { Graph, Instance, JsonObject, JsonValue, Link } from "./types.ts";

type Records = Readonly<Record<string, unknown>>;

/**
 * What leads from one graph to another: links that go, devices, instances (each with its ports), links that come; each
 * sorted by name. Empty exactly when both have the same canonical text.
 */
export function diffGraphs(old: Graph, next: Graph): readonly Change[] {
  return [
    ...missingLinks(old, next).map((link): Change => ({ kind: "linkRemoved", link })),
    ...namesOf(old.devices, next.devices).flatMap((name) => diffDevice(name, old, next)),
    ...namesOf(old.functions, next.functions).flatMap((name) => diffInstance(name, old, next)),
    ...missingLinks(next, old).map((link): Change => ({ kind: "linkAdded", link })),
  ];
}

function missingLinks(from: Graph, other: Graph): readonly Link[] {
  const known = new Set(other.links.map(linkKey));
  const missing = new Map(from.links.map((link) => [linkKey(link), normaliseLink(link)] as const));
  return [...missing]
    .filter(([key]) => !known.has(key))
    .sort(([a], [b]) => compareText(a, b))
    .map(([, link]) => link);
}

function namesOf(a: Records, b: Records): readonly string[] {
  return [...new Set([...Object.keys(a), ...Object.keys(b)])].sort(compareText);
}

function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

function diffDevice(name: string, oldGraph: Graph, newGraph: Graph): readonly Change[] {
  const old = own(oldGraph.devices, name);
  const next = own(newGraph.devices, name);
  if (!old) return next ? [{ kind: "deviceAdded", name, device: next }] : [];
  if (!next) return [{ kind: "deviceRemoved", name, device: old }];
  const same = old.name === next.name && old.netns === next.netns && old.hook === next.hook;
  return same ? [] : [{ kind: "deviceChanged", name, old, new: next }];
}

function diffInstance(name: string, oldGraph: Graph, newGraph: Graph): readonly Change[] {
  const old = own(oldGraph.functions, name);
  const next = own(newGraph.functions, name);
  if (!old || !next || old.kind !== next.kind) {
    return [
      ...(old ? [{ kind: "instanceRemoved", name, instance: old } as const] : []),
      ...(next ? [{ kind: "instanceAdded", name, instance: next } as const] : []),
    ];
  }
  return [
    ...diffValues(old.config, next.config, []).map((change): Change => ({ kind: "configChanged", name, change })),
    ...diffPorts(name, old, next),
  ];
}

function diffPorts(name: string, { ports: old }: Instance, { ports: next }: Instance): readonly Change[] {
  const removed = sortedEntries(old).filter(([port]) => !Object.hasOwn(next, port));
  // In the graph's order: so they are appended, and in most cases nothing has to be reordered.
  const added = Object.entries(next).filter(([port]) => !Object.hasOwn(old, port));
  const kept = Object.keys(old).filter((port) => Object.hasOwn(next, port));
  const changed = [...kept]
    .sort(compareText)
    .flatMap((port) =>
      diffValues(own(old, port)!, own(next, port)!, []).map(
        (change): Change => ({ kind: "portChanged", name, port, change }),
      ),
    );
  const before = [...kept, ...added.map(([port]) => port)];
  const after = Object.keys(next);
  const same = before.every((port, index) => port === after[index]);
  return [
    ...removed.map(([port, settings]): Change => ({ kind: "portRemoved", name, port, settings })),
    ...changed,
    ...added.map(([port, settings]): Change => ({ kind: "portAdded", name, port, settings })),
    ...(same ? [] : [{ kind: "portsReordered", name, old: before, new: after } as const]),
  ];
}

/** Objects key by key, lists by the stretch that differs, all else whole. */
export function diffValues(old: JsonValue, next: JsonValue, path: Path): readonly ValueChange[] {
  if (sameValue(old, next)) return [];
  if (isList(old) && isList(next)) return diffLists(old, next, path);
  if (!isObject(old) || !isObject(next)) return [{ kind: "set", path, old, new: next }];
  return namesOf(old, next).flatMap((key): readonly ValueChange[] => {
    const [before, after] = [own(old, key), own(next, key)];
    const at = [...path, key];
    if (before === undefined) return [{ kind: "set", path: at, new: after! }];
    return after === undefined ? [{ kind: "set", path: at, old: before }] : diffValues(before, after, at);
  });
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !isList(value);
}

function diffLists(old: readonly JsonValue[], next: readonly JsonValue[], path: Path): readonly ValueChange[] {
  const shorter = Math.min(old.length, next.length);
  let start = 0;
  while (start < shorter && sameValue(old[start], next[start])) start++;
  let end = 0;
  while (end < shorter - start && sameValue(old.at(-1 - end), next.at(-1 - end))) end++;
  const removed = old.slice(start, old.length - end);
  const inserted = next.slice(start, next.length - end);
  const [before, after] = [removed[0], inserted[0]];
  const one = removed.length === 1 && inserted.length === 1;
  if (one && typeof before === "object" && before !== null) return diffValues(before, after!, [...path, start]);
  return [{ kind: "splice", path, index: start, removed, inserted }];
}
