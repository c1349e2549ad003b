/** How large the arrays of routes have to be: an upper bound, from what the configuration says. */
import type { InstanceView, Json, JsonObject } from "../../engine/host/host-side.ts";
import { type Family, familyOf, parsePrefix } from "./addresses.ts";
import { changedItems } from "./changed-items.ts";
import {
  followsKernel,
  hopTextOf,
  mostPorts,
  objects,
  type RouterPort,
  routerPorts,
  routeText,
} from "./configuration.ts";
import { nodesTo } from "./family-trie.ts";
import { buckets } from "./hop-numbers.ts";
import { keyOf } from "./route-rows.ts";
import { connectedRoutes } from "./routes.ts";

function addTo(counts: Map<string, number>, key: string, amount: number): void {
  const count = (counts.get(key) ?? 0) + amount;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}

/** Sums over a list of routes that changes a little from one time to the next. */
class Sums {
  readonly nodes = { 4: 0, 6: 0 };
  readonly #prefixes = new Map<string, number>();
  readonly #hops = new Map<string, number>();
  /** Routes beyond the first one of each prefix: so many groups there are at most. */
  #further = 0;
  #routes: readonly JsonObject[] = [];

  follow(routes: readonly JsonObject[]): this {
    const { removed, added } = changedItems(this.#routes, routes, routeText);
    this.#routes = routes;
    for (const entry of removed) this.#count(entry, -1);
    for (const entry of added) this.#count(entry, 1);
    return this;
  }

  get hops(): number {
    return this.#hops.size + this.#further * (1 + buckets);
  }

  get hasGroups(): boolean {
    return this.#further > 0;
  }

  #count(entry: JsonObject, amount: number): void {
    const prefix = parsePrefix(String(entry["prefix"]))!;
    const family = familyOf(prefix.address);
    this.nodes[family] += amount * nodesTo(family, prefix.length);
    // Not its text: IPv6 has several for one prefix.
    const key = keyOf(prefix);
    const before = this.#prefixes.get(key) ?? 0;
    this.#further += Math.max(0, before + amount - 1) - Math.max(0, before - 1);
    addTo(this.#prefixes, key, amount);
    addTo(this.#hops, hopTextOf(entry), amount);
  }
}

/** Of the instances that were asked about last. */
const sums = new Map<string, Sums>();
const mostSums = 8;

function sumsOf({ name, config }: InstanceView): Sums {
  const known = sums.get(name) ?? new Sums();
  sums.delete(name);
  sums.set(name, known);
  for (const oldest of sums.keys()) if (sums.size > mostSums) sums.delete(oldest);
  return known.follow(objects(config["routes"] as Json | undefined));
}

export function hasGroups(instance: InstanceView): boolean {
  return sumsOf(instance).hasGroups;
}

/** Room for some more, so that the next routes seldom need larger arrays. */
function room(count: number): number {
  return 2 ** Math.ceil(Math.log2(count + 1));
}

function connectedNodes(ports: readonly RouterPort[], family: Family): number {
  return ports
    .flatMap(connectedRoutes)
    .filter(({ prefix }) => familyOf(prefix.address) === family)
    .reduce((sum, { prefix }) => sum + nodesTo(family, prefix.length), 0);
}

/** What a change makes anew before what it replaces is free: nodes on the way to a prefix. */
const spareNodes = 64;
const fanOut = 64;

/** Host mode has no use for what is large. */
const noRoom: Readonly<Record<string, number>> = Object.fromEntries(
  [
    ...["slots4", "nodes4", "entries4", "slots6", "nodes6", "entries6", "nextHops"],
    ...["neighbours4", "neighbours6", "statics4", "statics6"],
  ].map((map) => [map, 1]),
);

/** A route makes at most a node of three entries for each step on the way to it, or two entries more in one. */
export function roomOf(instance: InstanceView): Readonly<Record<string, number>> {
  if (followsKernel(instance)) return noRoom;
  const own = sumsOf(instance);
  const ports = routerPorts(instance);
  const sizes: Record<string, number> = { nextHops: room(own.hops + 3 * mostPorts + 2 * (1 + buckets)) };
  for (const family of [4, 6] as const) {
    const nodes = own.nodes[family] + connectedNodes(ports, family);
    sizes[`nodes${family}`] = room(nodes + spareNodes);
    sizes[`entries${family}`] = room((3 * nodes + fanOut * spareNodes) / 2);
  }
  return sizes;
}
