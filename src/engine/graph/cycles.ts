import { linkKey } from "./links.ts";
import type { Graph, Link } from "./types.ts";

/** A way on which a packet could come back to where it was. */
export interface Cycle {
  /** In the order in which the way passes them. */
  readonly instances: readonly string[];
  /** Indices in the graph's links; the first joins the first two instances, the last leads back. */
  readonly links: readonly number[];
}

interface Edge {
  readonly a: string;
  readonly b: string;
  readonly index: number;
}

/**
 * A basis of the cycles that the links make between instances: there are none exactly when the list is empty, and every
 * other cycle is a combination of these (all of them can be exponentially many). `without` leaves instances out: when
 * every cycle passes through one of those, the list is empty. Whether a function forwards on such a way is not seen.
 */
export function findCycles(graph: Graph, without: (instance: string) => boolean = () => false): readonly Cycle[] {
  const edges = graph.links.flatMap((link, index) => edgeOf(link, index, without));
  const parents = spanningForest(edges);
  const tree = new Set([...parents.values()].flatMap((parent) => (parent ? [parent.edge.index] : [])));
  return edges.filter(({ index }) => !tree.has(index)).map((edge) => closedBy(edge, parents));
}

function edgeOf(link: Link, index: number, without: (instance: string) => boolean): readonly Edge[] {
  const { from, to } = link;
  if (from.kind !== "port" || to.kind !== "port" || without(from.instance) || without(to.instance)) return [];
  return [{ a: from.instance, b: to.instance, index }];
}

interface Parent {
  readonly instance: string;
  readonly edge: Edge;
}

/** Breadth first, so that the cycles are short. The roots have no parent. */
function spanningForest(edges: readonly Edge[]): ReadonlyMap<string, Parent | undefined> {
  const neighbours = new Map<string, Parent[]>();
  const add = (from: string, parent: Parent): void => {
    const list = neighbours.get(from);
    if (list) list.push(parent);
    else neighbours.set(from, [parent]);
  };
  for (const edge of edges) {
    add(edge.a, { instance: edge.b, edge });
    add(edge.b, { instance: edge.a, edge });
  }
  const parents = new Map<string, Parent | undefined>();
  for (const root of neighbours.keys()) {
    if (parents.has(root)) continue;
    parents.set(root, undefined);
    const queue = [root];
    for (const instance of queue) {
      for (const { instance: next, edge } of neighbours.get(instance) ?? []) {
        if (parents.has(next)) continue;
        parents.set(next, { instance, edge });
        queue.push(next);
      }
    }
  }
  return parents;
}

/** The cycle that an edge closes with the forest: from its one end up to the common ancestor and down to the other. */
function closedBy({ a, b, index }: Edge, parents: ReadonlyMap<string, Parent | undefined>): Cycle {
  const [up, down] = [ancestry(a, parents), ancestry(b, parents)];
  const meeting = new Set(up.map((one) => one.instance));
  const below = down.findIndex((one) => meeting.has(one.instance));
  const common = down[below]!.instance;
  const above = up.findIndex((one) => one.instance === common);
  const left = up.slice(0, above);
  const right = down.slice(0, below).reverse();
  return {
    instances: [...left.map((one) => one.instance), common, ...right.map((one) => one.instance)],
    links: [...left.map((one) => one.link!), ...right.map((one) => one.link!), index],
  };
}

/** An instance and all above it, each with the link that leads on upwards. */
function ancestry(
  start: string,
  parents: ReadonlyMap<string, Parent | undefined>,
): { readonly instance: string; readonly link: number | undefined }[] {
  const found = [];
  for (let instance: string | undefined = start; instance !== undefined; ) {
    const parent: Parent | undefined = parents.get(instance);
    found.push({ instance, link: parent?.edge.index });
    instance = parent?.instance;
  }
  return found;
}

/** `sw1 - fw - sw2 - sw1 (by a.x -> b.y, ...)`: for messages. */
export function describeCycle(graph: Graph, { instances, links }: Cycle): string {
  const way = [...instances, instances[0]].join(" - ");
  return `${way} (by ${links.map((index) => linkKey(graph.links[index]!)).join(", ")})`;
}
