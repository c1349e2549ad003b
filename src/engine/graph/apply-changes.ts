import { deviceDocument, instanceDocument, sameValue } from "./canonical.ts";
import type { Change, ValueChange } from "./changes.ts";
import { linkKey, printLink } from "./links.ts";
import { GraphError, type Path, problemOf } from "./problems.ts";
import type { Graph, Instance, JsonObject, JsonValue } from "./types.ts";

/**
 * The graph with the changes made, in their order: `applyChanges(a, diffGraphs(a, b))` means the same as `b`.
 *
 * @throws GraphError when a change does not fit: what it removes or changes is not there, or not as it was
 */
export function applyChanges(graph: Graph, changes: readonly Change[]): Graph {
  return changes.reduce(applyChange, graph);
}

function applyChange(graph: Graph, change: Change): Graph {
  switch (change.kind) {
    case "instanceAdded":
      return { ...graph, functions: added(graph.functions, change.name, change.instance, ["functions"]) };
    case "instanceRemoved":
      expect(graph.functions, change.name, change.instance, instanceDocument, ["functions"]);
      return { ...graph, functions: without(graph.functions, change.name) };
    case "deviceAdded":
      return { ...graph, devices: added(graph.devices, change.name, change.device, ["devices"]) };
    case "deviceRemoved":
      expect(graph.devices, change.name, change.device, deviceDocument, ["devices"]);
      return { ...graph, devices: without(graph.devices, change.name) };
    case "deviceChanged":
      expect(graph.devices, change.name, change.old, deviceDocument, ["devices"]);
      return { ...graph, devices: replaced(graph.devices, change.name, () => change.new, ["devices"]) };
    case "linkAdded":
      if (graph.links.some((link) => linkKey(link) === linkKey(change.link)))
        throw unfit(["links"], `the link ${printLink(change.link)} is there already`);
      return { ...graph, links: [...graph.links, change.link] };
    case "linkRemoved": {
      const links = graph.links.filter((link) => linkKey(link) !== linkKey(change.link));
      if (links.length === graph.links.length) throw unfit(["links"], `there is no link ${printLink(change.link)}`);
      return { ...graph, links };
    }
    default: {
      const edit = (instance: Instance): Instance => applyToInstance(instance, change, ["functions", change.name]);
      return { ...graph, functions: replaced(graph.functions, change.name, edit, ["functions"]) };
    }
  }
}

type InstanceChange = Extract<Change, { kind: "configChanged" | `port${string}` }>;

function applyToInstance(instance: Instance, change: InstanceChange, path: Path): Instance {
  const at = [...path, "ports"];
  const { ports } = instance;
  switch (change.kind) {
    case "configChanged":
      return { ...instance, config: applyValue(instance.config, change.change, [...path, "config"]) };
    case "portAdded":
      return { ...instance, ports: added(ports, change.port, change.settings, at) };
    case "portRemoved":
      expect(ports, change.port, change.settings, (settings) => settings, at);
      return { ...instance, ports: without(ports, change.port) };
    case "portChanged": {
      const edit = (settings: JsonObject): JsonObject => applyValue(settings, change.change, [...at, change.port]);
      return { ...instance, ports: replaced(ports, change.port, edit, at) };
    }
    case "portsReordered": {
      const names = Object.keys(ports);
      if (names.length !== change.new.length || !change.new.every((port) => Object.hasOwn(ports, port)))
        throw unfit(at, `the ports are ${names.join(", ")}, not those to be put in order`);
      return { ...instance, ports: Object.fromEntries(change.new.map((port) => [port, ports[port]!])) };
    }
  }
}

/** What is to be removed or replaced must be what the change saw. */
function expect<T>(
  record: Readonly<Record<string, T>>,
  name: string,
  old: T,
  document: (value: T) => JsonObject,
  path: Path,
): void {
  if (!Object.hasOwn(record, name)) throw unfit([...path, name], "is not there");
  if (!sameValue(document(record[name]!), document(old)))
    throw unfit([...path, name], "is not as the change expects it");
}

function added<T>(record: Readonly<Record<string, T>>, name: string, value: T, path: Path): Record<string, T> {
  if (Object.hasOwn(record, name)) throw unfit([...path, name], "is there already");
  return Object.fromEntries([...Object.entries(record), [name, value]]);
}

function without<T>(record: Readonly<Record<string, T>>, name: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => key !== name));
}

function replaced<T>(
  record: Readonly<Record<string, T>>,
  name: string,
  edit: (value: T) => T,
  path: Path,
): Record<string, T> {
  if (!Object.hasOwn(record, name)) throw unfit([...path, name], "is not there");
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, key === name ? edit(value) : value]));
}

function applyValue(config: JsonObject, change: ValueChange, path: Path): JsonObject {
  const place = [...path, ...change.path];
  const edited = updated(config, change.path, place, (old) => {
    if (change.kind === "set") {
      if (!sameValue(old, change.old)) throw unfit(place, "is not as the change expects it");
      return change.new;
    }
    const { index, removed: gone, inserted } = change;
    if (!Array.isArray(old)) throw unfit(place, "is no list");
    if (!sameValue(old.slice(index, index + gone.length), gone))
      throw unfit(place, `its items from ${index} on are not as the change expects them`);
    return [...old.slice(0, index), ...inserted, ...old.slice(index + gone.length)];
  });
  return edited as JsonObject;
}

/** The value with its part at `path` edited; an edit to undefined removes a key. */
function updated(
  value: JsonValue | undefined,
  path: Path,
  place: Path,
  edit: (old: JsonValue | undefined) => JsonValue | undefined,
): JsonValue | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return edit(value);
  if (typeof key === "number") {
    if (!Array.isArray(value) || key >= value.length) throw unfit(place, "is not there");
    return value.map((item, index) => (index === key ? updated(item, rest, place, edit)! : item));
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw unfit(place, "is not there");
  const record = value as JsonObject;
  const inner = updated(Object.hasOwn(record, key) ? record[key] : undefined, rest, place, edit);
  const others = Object.entries(record).filter(([name]) => name !== key);
  return Object.fromEntries(inner === undefined ? others : [...others, [key, inner]]);
}

function unfit(path: Path, message: string): GraphError {
  const remedy = "the graph has changed since: compare again";
  return new GraphError([problemOf({ path, message, remedy })]);
}
