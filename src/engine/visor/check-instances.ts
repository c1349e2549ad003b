import { isDeepStrictEqual } from "node:util";
import type { Finding } from "../graph/problems.ts";
import type { Graph } from "../graph/types.ts";
import type { ConfigProblem, InstanceView } from "../host/host-side.ts";
import type { GraphFunction } from "./function.ts";

/** What a host side has against an instance, as findings of the graph. */
export function findingsOf(instance: string, problems: readonly ConfigProblem[]): readonly Finding[] {
  return problems.map(({ path, message, remedy }) => {
    const keys = path.split(/[.[\]]+/).filter((key) => key !== "");
    const parts = keys.map((key) => (/^\d+$/.test(key) ? Number(key) : key));
    return { path: ["functions", instance, ...parts], message, remedy };
  });
}

/**
 * What host sides have against instances of a graph in which something else is wrong, so that it is told with that:
 * only of instances that nothing was found of, and only what does not depend on links, which may be what is wrong.
 */
export function checkInstances(
  graph: Graph,
  functions: ReadonlyMap<string, GraphFunction>,
  found: readonly Finding[],
): readonly Finding[] {
  const faulty = new Set(found.flatMap(({ path: [part, name] }) => (part === "functions" ? [name] : [])));
  return Object.keys(graph.functions).flatMap((name) => {
    const of = functions.get(graph.functions[name]!.kind);
    if (!of?.host.check || faulty.has(name)) return [];
    const ask = (linked: boolean) => answerOf(of, viewAlone(graph, name, of, linked));
    const apart = ask(false);
    const both = apart.length === 0 ? [] : ask(true);
    return findingsOf(
      name,
      apart.filter((one) => both.some((other) => isDeepStrictEqual(one, other))),
    );
  });
}

/** One that fails says so when there is nothing else to tell. */
function answerOf({ host }: GraphFunction, view: InstanceView): readonly ConfigProblem[] {
  try {
    return host.check?.(view) ?? [];
  } catch {
    return [];
  }
}

function viewAlone({ functions }: Graph, name: string, { module }: GraphFunction, linked: boolean): InstanceView {
  const { config, ports } = functions[name]!;
  const declared = module.interface?.ports;
  const names = declared?.kind === "fixed" ? declared.names : Object.keys(ports);
  return {
    name,
    config,
    ports: names.map((port, number) => ({ name: port, number, config: ports[port] ?? {}, linked, device: undefined })),
  };
}
