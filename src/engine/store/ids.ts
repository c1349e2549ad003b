import type { Graph, LinkEnd } from "../graph/types.ts";
import { decodeJson, putJson } from "./records.ts";
import type { Transaction } from "./store.ts";

/** The numbers that a graph's parts have in the datapath. They stay while any graph that is kept names the part. */
export interface GraphIds {
  readonly instances: Readonly<Record<string, number>>;
  readonly devices: Readonly<Record<string, number>>;
  /** By instance, then by port. */
  readonly ports: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

const scopePrefix = "id:";
const scopes = "id-scope";

/**
 * A number for each name, from 0: those that have one keep it, the others get the lowest that are free. A number is
 * free again when `retainIds` let its name go.
 */
export async function allocateIds(
  transaction: Transaction,
  scope: string,
  names: readonly string[],
): Promise<Readonly<Record<string, number>>> {
  const known = await idsOf(transaction, scope);
  const used = new Set(known.values());
  let next = 0;
  if (known.size === 0 && names.length > 0) await putJson(transaction, scopes, scope, true);
  for (const name of names) {
    if (known.has(name)) continue;
    while (used.has(next)) next++;
    used.add(next);
    known.set(name, next);
    await putJson(transaction, scopePrefix + scope, name, next);
  }
  return Object.fromEntries(names.map((name) => [name, known.get(name)!]));
}

/** Frees the numbers of all names but these. */
export async function retainIds(transaction: Transaction, scope: string, names: ReadonlySet<string>): Promise<void> {
  const known = await idsOf(transaction, scope);
  const gone = [...known.keys()].filter((name) => !names.has(name));
  for (const name of gone) await transaction.delete(scopePrefix + scope, name);
  if (gone.length === known.size) await transaction.delete(scopes, scope);
}

async function idsOf(transaction: Transaction, scope: string): Promise<Map<string, number>> {
  const entries = await transaction.list(scopePrefix + scope);
  return new Map(entries.map(({ key, value }) => [key, decodeJson<number>(value)]));
}

/** Numbers for all parts of a graph. */
export async function allocateGraphIds(transaction: Transaction, graph: Graph): Promise<GraphIds> {
  const ids = new Map<string, Readonly<Record<string, number>>>();
  for (const [scope, names] of namesOf([graph])) ids.set(scope, await allocateIds(transaction, scope, [...names]));
  const instances = ids.get("instance") ?? {};
  const ports = Object.keys(instances).map((name) => [name, ids.get(`port:${name}`) ?? {}] as const);
  return { instances, devices: ids.get("device") ?? {}, ports: Object.fromEntries(ports) };
}

/** Frees the numbers of what none of these graphs names: those in force, and those that one may go back to. */
export async function retainGraphIds(transaction: Transaction, graphs: readonly Graph[]): Promise<void> {
  const kept = namesOf(graphs);
  for (const { key: scope } of await transaction.list(scopes))
    await retainIds(transaction, scope, kept.get(scope) ?? new Set());
}

/** All names, by scope: "instance", "device", and "port:INSTANCE". */
function namesOf(graphs: readonly Graph[]): ReadonlyMap<string, ReadonlySet<string>> {
  const found = new Map<string, Set<string>>();
  const add = (scope: string, name: string): void => {
    found.set(scope, (found.get(scope) ?? new Set()).add(name));
  };
  const addEnd = (end: LinkEnd): void => {
    if (end.kind === "port") add(`port:${end.instance}`, end.port);
    else add("device", end.device);
  };
  for (const { functions, devices, links } of graphs) {
    for (const [name, { ports }] of Object.entries(functions)) {
      add("instance", name);
      for (const port of Object.keys(ports)) add(`port:${name}`, port);
    }
    for (const name of Object.keys(devices)) add("device", name);
    for (const { from, to } of links) {
      addEnd(from);
      addEnd(to);
    }
  }
  return found;
}
