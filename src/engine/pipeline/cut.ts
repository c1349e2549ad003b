import { tableNames } from "./tables.ts";
import { type Node, nodeOf, type Peer, type PipelineHook, portName, type Topology } from "./topology.ts";
import { waysFrom, waysFromAll } from "./ways.ts";
import { mostExpected } from "./work.ts";

/** Where a packet goes that a function sends out of a port. */
export type Exit =
  | { readonly kind: "device" }
  | { readonly kind: "host"; readonly device: string }
  | { readonly kind: "stage"; readonly stage: Stage; readonly port: number }
  | { readonly kind: "pipeline"; readonly instance: string; readonly port: number; readonly why: CutReason }
  /** A function is behind it, and nothing that passes here leaves by it: `waysFrom`. */
  | { readonly kind: "never" }
  | { readonly kind: "unlinked" };

/** One function within a pipeline, and what stands behind each of its ports. */
export interface Stage {
  readonly instance: string;
  readonly exits: readonly Exit[];
}

/** A chain (a tree, where a function has several exits) of functions that becomes one program. */
export interface Pipeline {
  readonly hook: PipelineHook;
  readonly root: Stage;
}

/** Why a pipeline ends at a link and another one goes on. */
export type CutReason =
  /** The function behind it has handled the packet in this pipeline already. */
  | "loop"
  /** The function has more ports that lead to functions than are worth a copy each. */
  | "fan-out"
  /** The function behind it is in this pipeline already, or in many: one program serves all that lead there. */
  | "fan-in"
  /** The pipeline is as long as it may be. */
  | "length"
  /** The kernel's verifier would have too much to do for a longer one. */
  | "work"
  /** A longer one would have more maps than a program may use. */
  | "maps";

export interface CutLimits {
  /** Functions in one pipeline. */
  readonly stages: number;
  /** Ports of one function that lead to further functions in the same program. */
  readonly branches: number;
  /** Pipelines that may each have a copy of one function. */
  readonly copies: number;
  /** Instructions that the verifier is expected to process for one program of several functions. */
  readonly work: number;
  /** Maps of the functions in one program, unless a single one has more. */
  readonly maps: number;
}

/** What a program may use (MAX_USED_MAPS, include/linux/bpf_verifier.h), without those of the data path. */
const mapsOfFunctions = 64 - Object.keys(tableNames).length;

export const usualLimits: CutLimits = { stages: 8, branches: 2, copies: 2, work: mostExpected, maps: mapsOfFunctions };

/** Which instances packets enter, and by which hook. */
export interface Entrance {
  readonly instance: string;
  readonly hook: PipelineHook;
  /** Few packets come this way: they are not worth copies of the functions behind. */
  readonly rare?: boolean;
}

/**
 * The pipelines of a graph: one for each entrance, and one for each function that another pipeline ends at where it may
 * send packets to it. Packets that turn back are rare, and so is where they go on: pipelines that only they meet have
 * one function each. The same graph always gives the same pipelines, in the same order.
 */
export function cutPipelines(
  topology: Topology,
  entrances: readonly Entrance[],
  limits: CutLimits = usualLimits,
): readonly Pipeline[] {
  const shared = sharedInstances(topology, entrances, limits);
  const pipelines = new Map<string, Pipeline>();
  const wanted: Entrance[] = entrances.filter((entrance) => !entrance.rare);
  const rare = entrances.filter((entrance) => entrance.rare);
  for (let next = wanted.shift() ?? rare.shift(); next; next = wanted.shift() ?? rare.shift()) {
    const key = pipelineKey(next.hook, next.instance);
    if (pipelines.has(key)) continue;
    const cutter = new Cutter(topology, shared, next.rare ? { ...limits, stages: 1 } : limits);
    const root = cutter.stage(nodeOf(topology, next.instance), []);
    pipelines.set(key, { hook: next.hook, root });
    for (const [instance, why] of cutter.continuations) {
      if (why === "loop" || next.rare) rare.push({ instance, hook: next.hook, rare: true });
      else wanted.push({ instance, hook: next.hook });
    }
  }
  return [...pipelines.values()];
}

export function pipelineKey(hook: PipelineHook, instance: string): string {
  return `${hook}:${instance}`;
}

/** Instances that more than `copies` pipelines would contain. They become pipelines of their own. */
function sharedInstances(topology: Topology, entrances: readonly Entrance[], limits: CutLimits): ReadonlySet<string> {
  const users = new Map<string, Set<string>>();
  for (const { instance, hook, rare } of entrances) {
    if (rare) continue;
    const cutter = new Cutter(topology, new Set(), limits);
    cutter.stage(nodeOf(topology, instance), []);
    for (const inner of cutter.members) {
      if (inner === instance) continue;
      const known = users.get(inner) ?? new Set();
      users.set(inner, known.add(pipelineKey(hook, instance)));
    }
  }
  return new Set([...users].filter(([, pipelines]) => pipelines.size > limits.copies).map(([instance]) => instance));
}

class Cutter {
  /** The instances in the pipeline, and those in which it continues: why, a loop only where nothing else is. */
  readonly members = new Set<string>();
  readonly continuations = new Map<string, CutReason>();
  readonly #topology: Topology;
  readonly #shared: ReadonlySet<string>;
  readonly #limits: CutLimits;
  #stages = 0;
  #work = 0;
  #maps = 0;

  constructor(topology: Topology, shared: ReadonlySet<string>, limits: CutLimits) {
    this.#topology = topology;
    this.#shared = shared;
    this.#limits = limits;
  }

  /** @param port that all packets come in on, where that is known */
  stage(node: Node, path: readonly string[], port?: number): Stage {
    this.#stages++;
    this.#work += node.work;
    this.#maps += node.module.maps.length;
    this.members.add(node.instance);
    const inside = [...path, node.instance];
    const ways = port === undefined ? waysFromAll(node.module, node.ports.length) : waysFrom(node.module, port);
    const isTaken = (number: number): boolean => ways === "any" || ways.has(number);
    // Taken or not: what all pipelines contain that meet here would be cut off function by function (sharedInstances).
    const branches = node.peers.filter((peer) => peer?.kind === "port" && !inside.includes(peer.instance)).length;
    const exits = node.peers.map((peer, number): Exit => {
      return peer?.kind === "port" && !isTaken(number) ? { kind: "never" } : this.#exit(peer, inside, branches);
    });
    return { instance: node.instance, exits };
  }

  #exit(peer: Peer | undefined, path: readonly string[], branches: number): Exit {
    if (!peer) return { kind: "unlinked" };
    if (peer.kind === "device") return { kind: "device" };
    if (peer.kind === "host") return { kind: "host", device: peer.device };
    const why = this.#reasonToCut(peer.instance, path, branches);
    if (why) {
      if (why !== "loop" || !this.continuations.has(peer.instance)) this.continuations.set(peer.instance, why);
      return { kind: "pipeline", instance: peer.instance, port: peer.port, why };
    }
    return {
      kind: "stage",
      stage: this.stage(nodeOf(this.#topology, peer.instance), path, peer.port),
      port: peer.port,
    };
  }

  #reasonToCut(instance: string, path: readonly string[], branches: number): CutReason | undefined {
    if (path.includes(instance)) return "loop";
    if (branches > this.#limits.branches) return "fan-out";
    if (this.#shared.has(instance) || this.members.has(instance)) return "fan-in";
    if (this.#stages >= this.#limits.stages) return "length";
    const { work, module } = nodeOf(this.#topology, instance);
    if (this.#work + work > this.#limits.work) return "work";
    return this.#maps + module.maps.length > this.#limits.maps ? "maps" : undefined;
  }
}

/** The cuts of a pipeline, for people: which link, and why. */
export function cutsOf(
  topology: Topology,
  stage: Stage,
): readonly { readonly link: string; readonly why: CutReason }[] {
  const node = nodeOf(topology, stage.instance);
  return stage.exits.flatMap((exit, port) => {
    if (exit.kind === "stage") return cutsOf(topology, exit.stage);
    if (exit.kind !== "pipeline") return [];
    const behind = nodeOf(topology, exit.instance);
    return [{ link: `${portName(node, port)} -> ${portName(behind, exit.port)}`, why: exit.why }];
  });
}

/** All stages of a pipeline, the first one first. */
export function stagesOf(stage: Stage): readonly Stage[] {
  return [stage, ...stage.exits.flatMap((exit) => (exit.kind === "stage" ? stagesOf(exit.stage) : []))];
}
