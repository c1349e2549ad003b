import type { Catalogue } from "../catalogue/description.ts";
import { graphDocument } from "./canonical.ts";
import { linkKey, parseEnd, parseLink, printEnd } from "./links.ts";
import { parseGraph } from "./parse.ts";
import { type Finding, GraphError, listed, type Path, problemOf } from "./problems.ts";
import type { Device, Graph, Instance, JsonObject, LinkEnd } from "./types.ts";

/** One imperative step, as a command or a request makes it. */
export type Edit =
  | {
      readonly kind: "createInstance";
      readonly name: string;
      readonly function: string;
      readonly config?: JsonObject;
      readonly ports?: readonly NewPort[];
    }
  /** Its links go too. */
  | { readonly kind: "deleteInstance"; readonly name: string }
  /** Keys of `config` replace those of the same name, null removes one; `replace` replaces all. */
  | { readonly kind: "editInstance"; readonly name: string; readonly config: JsonObject; readonly replace?: boolean }
  | { readonly kind: "addPort"; readonly name: string; readonly port: NewPort }
  /** Its link goes too. */
  | { readonly kind: "removePort"; readonly name: string; readonly port: string }
  | { readonly kind: "editPort"; readonly name: string; readonly port: string; readonly settings: JsonObject }
  | { readonly kind: "setDevice"; readonly name: string; readonly device: Device }
  | { readonly kind: "removeDevice"; readonly name: string }
  | { readonly kind: "link"; readonly from: string; readonly to: string }
  /** The link of an end; with `to` only when it leads there. */
  | { readonly kind: "unlink"; readonly from: string; readonly to?: string };

/** A port to make. `link` is the other end of its link; a device there gives the port its name unless it has one. */
export interface NewPort {
  readonly name?: string;
  readonly link?: string;
  readonly settings?: JsonObject;
}

/**
 * The graph after an edit, checked as a whole: an edit cannot make an invalid graph.
 *
 * @throws GraphError
 */
export async function editGraph(graph: Graph, edit: Edit, catalogue?: Catalogue): Promise<Graph> {
  return await parseGraph(graphDocument(edited(graph, edit)), catalogue ? { catalogue } : {});
}

function edited(graph: Graph, edit: Edit): Graph {
  switch (edit.kind) {
    case "createInstance": {
      absent(graph.functions, edit.name, ["functions", edit.name]);
      const instance: Instance = { kind: edit.function, config: edit.config ?? {}, ports: {} };
      const made = { ...graph, functions: withEntry(graph.functions, edit.name, instance) };
      return (edit.ports ?? []).reduce((before, port) => addPort(before, edit.name, port), made);
    }
    case "deleteInstance": {
      instanceOf(graph, edit.name);
      const links = graph.links.filter(({ from, to }) => !isOf(from, edit.name) && !isOf(to, edit.name));
      return { ...graph, functions: withoutEntry(graph.functions, edit.name), links };
    }
    case "editInstance":
      return withInstance(graph, edit.name, (instance) => ({
        ...instance,
        config: edit.replace ? edit.config : merged(instance.config, edit.config),
      }));
    case "addPort":
      return addPort(graph, edit.name, edit.port);
    case "removePort":
      return removePort(graph, edit.name, edit.port);
    case "editPort":
      return withInstance(graph, edit.name, (instance) => {
        const old = Object.hasOwn(instance.ports, edit.port) ? instance.ports[edit.port]! : {};
        return { ...instance, ports: withEntry(instance.ports, edit.port, merged(old, edit.settings)) };
      });
    case "setDevice":
      return { ...graph, devices: withEntry(graph.devices, edit.name, edit.device) };
    case "removeDevice":
      present(graph.devices, edit.name, ["devices", edit.name], "device");
      return { ...graph, devices: withoutEntry(graph.devices, edit.name) };
    case "link":
      return addLink(graph, edit.from, edit.to);
    case "unlink":
      return unlink(graph, edit.from, edit.to);
  }
}

function addPort(graph: Graph, name: string, port: NewPort): Graph {
  const other = port.link === undefined ? undefined : endOf(port.link);
  const device = other && other.kind !== "port" ? other.device : undefined;
  const portName = port.name ?? device;
  const path = ["functions", name, "ports"];
  if (portName === undefined) throw refused(path, "the new port has no name", "give it one, or link it to a device");
  const made = withInstance(graph, name, (instance) => {
    absent(instance.ports, portName, [...path, portName]);
    return { ...instance, ports: withEntry(instance.ports, portName, port.settings ?? {}) };
  });
  return port.link === undefined ? made : addLink(made, port.link, `${name}.${portName}`);
}

function removePort(graph: Graph, name: string, port: string): Graph {
  const { ports } = instanceOf(graph, name);
  present(ports, port, ["functions", name, "ports", port], "port");
  const isIt = (end: LinkEnd): boolean => isOf(end, name) && end.kind === "port" && end.port === port;
  const links = graph.links.filter(({ from, to }) => !isIt(from) && !isIt(to));
  return withInstance({ ...graph, links }, name, (instance) => ({ ...instance, ports: withoutEntry(ports, port) }));
}

function addLink(graph: Graph, from: string, to: string): Graph {
  const link = parseLink(`${from} -> ${to}`);
  if (!("from" in link)) throw refused(["links", graph.links.length], link.join("; "), "name two ends");
  return { ...graph, links: [...graph.links, link] };
}

function unlink(graph: Graph, from: string, to: string | undefined): Graph {
  const end = printEnd(endOf(from));
  const other = to === undefined ? undefined : printEnd(endOf(to));
  const links = graph.links.filter((link) => {
    const ends = [printEnd(link.from), printEnd(link.to)];
    return !(ends.includes(end) && (other === undefined || ends.includes(other)));
  });
  if (links.length < graph.links.length) return { ...graph, links };
  const message = other === undefined ? `'${end}' is not linked` : `'${end}' and '${other}' are not linked`;
  throw refused(["links"], message, `the links are ${listed(graph.links.map(linkKey))}`);
}

function endOf(text: string): LinkEnd {
  const end = parseEnd(text.trim());
  if (typeof end !== "string") return end;
  throw refused(["links"], end, "an end is INSTANCE.PORT, dev:NAME or host:NAME");
}

function isOf(end: LinkEnd, instance: string): boolean {
  return end.kind === "port" && end.instance === instance;
}

function instanceOf(graph: Graph, name: string): Instance {
  present(graph.functions, name, ["functions", name], "function");
  return graph.functions[name]!;
}

function withInstance(graph: Graph, name: string, edit: (instance: Instance) => Instance): Graph {
  return { ...graph, functions: withEntry(graph.functions, name, edit(instanceOf(graph, name))) };
}

/** Null removes a key (RFC 7396), one level deep: a setting is replaced whole. */
function merged(old: JsonObject, given: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries({ ...old, ...given }).filter(([, value]) => value !== null));
}

/** The record with an entry replaced in its place, or added at the end. */
function withEntry<T>(record: Readonly<Record<string, T>>, name: string, value: T): Record<string, T> {
  return Object.fromEntries(new Map(Object.entries(record)).set(name, value));
}

function withoutEntry<T>(record: Readonly<Record<string, T>>, name: string): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([key]) => key !== name));
}

function present(record: object, name: string, path: Path, what: string): void {
  if (Object.hasOwn(record, name)) return;
  throw refused(path, `there is no ${what} '${name}'`, `there is ${listed(Object.keys(record))}`);
}

function absent(record: object, name: string, path: Path): void {
  if (Object.hasOwn(record, name)) throw refused(path, "is there already", "take another name, or delete it first");
}

function refused(path: Path, message: string, remedy: string): GraphError {
  const finding: Finding = { path, message, remedy };
  return new GraphError([problemOf(finding)]);
}
