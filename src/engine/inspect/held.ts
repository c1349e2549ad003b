import { printEnd } from "../graph/links.ts";
import type { Graph, LinkEnd } from "../graph/types.ts";
import type { JsonObject } from "../host/host-side.ts";
import type { Peer } from "../pipeline/topology.ts";
import type { Identities, InstanceIdentity } from "../visor/identities.ts";
import type { Visor } from "../visor/visor.ts";
import type { Counted } from "./counters.ts";

/** What is known of an instance while its function is not: what the graph says, and the numbers it is counted by. */
export interface HeldInstance extends Counted {
  readonly name: string;
  readonly kind: string;
  readonly config: JsonObject;
  readonly view: { readonly ports: readonly HeldPort[] };
}

export interface HeldPort {
  readonly name: string;
  readonly number: number;
  readonly config: JsonObject;
  readonly link: string | undefined;
}

/** The instances of a graph that could not be taken over, by name; none where it was. */
export function heldInstances(visor: Pick<Visor, "degraded" | "graph" | "running">): ReadonlyMap<string, HeldInstance> {
  if (!visor.degraded) return new Map();
  const { graph, running } = visor;
  const { instances } = running.record.identities;
  return new Map(Object.keys(graph.functions).map((name) => [name, heldInstance(name, graph, instances)]));
}

function heldInstance(name: string, graph: Graph, identities: Identities["instances"]): HeldInstance {
  const { kind, config, ports } = graph.functions[name]!;
  const identity: Pick<InstanceIdentity, "firstPort" | "firstReason" | "reasonRoom" | "ports"> = identities[name] ?? {
    ...{ firstPort: 0, firstReason: 0, reasonRoom: 0, ports: {} },
  };
  const numbers = Object.entries(identity.ports).sort(([, left], [, right]) => left - right);
  const peers: (Peer | undefined)[] = [];
  const held = numbers.map(([port, number]): HeldPort => {
    const end = otherEnd(graph, name, port);
    peers[number] = end && peerAt(end, identities);
    // A port that is linked to a pattern of devices is there once for each of them.
    return { name: port, number, config: ports[port.split(":")[0]!] ?? {}, link: end && printEnd(end) };
  });
  const { firstPort, firstReason, reasonRoom } = identity;
  const reasons = Array.from({ length: reasonRoom }, (_, number) => ({ name: `#${number}`, description: "" }));
  return { name, kind, config, view: { ports: held }, node: { firstPort, firstReason, peers }, reasons };
}

function otherEnd(graph: Graph, instance: string, port: string): LinkEnd | undefined {
  const name = port.split(":")[0];
  const isIt = (end: LinkEnd): boolean => end.kind === "port" && end.instance === instance && end.port === name;
  const link = graph.links.find(({ from, to }) => isIt(from) || isIt(to));
  return link && (isIt(link.from) ? link.to : link.from);
}

function peerAt(end: LinkEnd, identities: Identities["instances"]): Peer | undefined {
  if (end.kind !== "port") return { kind: end.kind === "dev" ? "device" : "host", device: end.device };
  const port = identities[end.instance]?.ports[end.port];
  return port === undefined ? undefined : { kind: "port", instance: end.instance, port };
}
