import type { Catalogue, ConfigProblem, FunctionDescription } from "../catalogue/description.ts";
import { type SchemaCheck, schemaChecker } from "../catalogue/json-schema.ts";
import { portEnds } from "./check.ts";
import { type Finding, listed, type Path } from "./problems.ts";
import type { ReadGraph } from "./read.ts";
import type { Graph, Instance } from "./types.ts";

type Checker = (schema: FunctionDescription["settings"]) => SchemaCheck;

/** The graph against the functions that there are: kinds, configurations, ports. */
export async function checkAgainstCatalogue(
  read: ReadGraph,
  catalogue: Catalogue,
  missing: ReadonlyMap<string, string> = new Map(),
): Promise<readonly Finding[]> {
  const checker = needsSchemas(read.graph, catalogue) ? await schemaChecker() : undefined;
  const instances = Object.entries(read.graph.functions).flatMap(([name, instance]) => {
    const path = ["functions", name];
    const description = catalogue.get(instance.kind);
    if (description) return checkInstance(instance, description, path, checker);
    if (instance.kind === "") return []; // its shape was refused before
    const why = missing.get(instance.kind) ?? `there is ${listed(catalogue.keys())}`;
    return [
      {
        path: [...path, "kind"],
        message: `there is no function of kind '${instance.kind}': ${why}`,
        remedy: "mend the name; a function of your own is a folder, as ./NAME, or an npm package",
      },
    ];
  });
  return [...instances.filter((finding) => !read.unread.brings(finding)), ...unknownPorts(read, catalogue)];
}

/** ajv takes tens of milliseconds to load: only where a schema has to judge something. */
function needsSchemas(graph: Graph, catalogue: Catalogue): boolean {
  return Object.values(graph.functions).some(({ kind, ports }) => {
    const description = catalogue.get(kind);
    if (!description) return false;
    return !description.checkConfig || (description.ports.settings !== undefined && Object.keys(ports).length > 0);
  });
}

function checkInstance(
  instance: Instance,
  description: FunctionDescription,
  path: Path,
  checker: Checker | undefined,
): readonly Finding[] {
  const check = description.checkConfig ?? checker!(description.settings);
  return [
    ...findings([...path, "config"], check(instance.config), description.kind),
    ...checkPorts(instance, description, path, checker),
  ];
}

function findings(path: Path, problems: readonly ConfigProblem[], kind: string): readonly Finding[] {
  return problems.map(({ path: inner, message }) => ({
    path: [...path, ...inner],
    message,
    remedy: `the settings of '${kind}' say what it takes`,
  }));
}

function checkPorts(
  instance: Instance,
  { kind, ports }: FunctionDescription,
  path: Path,
  checker: Checker | undefined,
): readonly Finding[] {
  const names = Object.keys(instance.ports);
  const known = names.filter((name) => ports.kind === "dynamic" || ports.names.includes(name));
  const unknown = names
    .filter((name) => !known.includes(name))
    .map((name): Finding => {
      const message = `'${kind}' has no port '${name}': it has ${listed(ports.kind === "fixed" ? ports.names : [])}`;
      return { path: [...path, "ports", name], at: "key", message, remedy: "mend the port's name" };
    });
  const tooMany: readonly Finding[] =
    ports.kind === "dynamic" && names.length > ports.maximum
      ? [
          {
            path: [...path, "ports"],
            at: "key",
            message: `${names.length} ports are more than the ${ports.maximum} that '${kind}' can have`,
            remedy: "divide them among several instances",
          },
        ]
      : [];
  const check = ports.settings ? checker!(ports.settings) : takesNothing;
  const settings = known.flatMap((name) => findings([...path, "ports", name], check(instance.ports[name]!), kind));
  return [...unknown, ...tooMany, ...settings];
}

/** Ports without a schema have no configuration. */
function takesNothing(config: object): readonly ConfigProblem[] {
  return Object.keys(config).map((key) => ({ path: [key], message: "no such key; its ports have no configuration" }));
}

function unknownPorts(read: ReadGraph, catalogue: Catalogue): readonly Finding[] {
  return portEnds(read).flatMap(({ end: { instance: name, port }, index }) => {
    const instance = Object.hasOwn(read.graph.functions, name) ? read.graph.functions[name] : undefined;
    const ports = instance && catalogue.get(instance.kind)?.ports;
    if (!instance || !ports) return []; // said of the instance already
    const names = ports.kind === "fixed" ? ports.names : Object.keys(instance.ports);
    if (names.includes(port) || read.unread.has(["functions", name, "ports", port])) return [];
    const message = `port '${port}' does not exist on '${name}': it has ${listed(names)}`;
    const remedy = ports.kind === "fixed" ? "use one of its ports" : `add it to the ports of '${name}', or use another`;
    return [{ path: ["links", index], message, remedy }];
  });
}
