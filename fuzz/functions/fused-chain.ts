/** Random chains of functions, composed to pipelines as the product does it, and frames for them. */
import { checkModule } from "../../src/compiler/check/index.ts";
import { runningAbilities } from "../../src/engine/abilities.ts";
import type { HostValue } from "../../src/engine/codec.ts";
import type { FloodGroup as Group, InstancePort, InstanceView, JsonObject } from "../../src/engine/host/host-side.ts";
import { composePipeline } from "../../src/engine/pipeline/compose.ts";
import { type CutLimits, cutPipelines, pipelineKey, usualLimits } from "../../src/engine/pipeline/cut.ts";
import { groupKey } from "../../src/engine/pipeline/flood.ts";
import { mostMembers, type TableSizes, tableNames } from "../../src/engine/pipeline/tables.ts";
import type { Node, Peer, PipelineHook, Topology } from "../../src/engine/pipeline/topology.ts";
import { expectedWork } from "../../src/engine/pipeline/work.ts";
import { prepareModule } from "../../src/engine/prepare.ts";
import { taggedPorts } from "../../src/engine/visor/floods.ts";
import * as acl from "../../src/functions/acl/random.ts";
import * as router from "../../src/functions/router/random.ts";
import switchHost from "../../src/functions/switch/host.ts";
import * as bridge from "../../src/functions/switch/random.ts";
import { aclModule, aclSubject, readableAcl } from "./acl.ts";
import { arrivesAs } from "./frames.ts";
import { type FunctionKind, type Link, modelOf } from "./fused-models.ts";
import type { Placed } from "./fused-witness.ts";
import { markerModule } from "./marker/model.ts";
import { routerModule, routerSubject } from "./router.ts";
import { subjectOf, switchModule } from "./switch.ts";
import type { Arrival, Subject } from "./witness.ts";

type Random = bridge.Random;
const sizes: TableSizes = { entries: 16, ports: 64, reasons: 512, pipelines: 16, groups: 512 };
const portRoom = 8;
const reasonRoom = 64;
export const firstDevice = 100;

type TableRow = readonly [key: HostValue, value: HostValue];

export interface Chain {
  readonly links: ReadonlyMap<string, Link>;
  readonly tables: Record<string, Subject["tables"][string]>;
  compose(): Composed;
}

export interface Composed {
  readonly slots: ReadonlyMap<string, number>;
  readonly placed: readonly Placed[];
}

/** Two or three functions of the product, mostly with a marker in front, between or behind. */
function randomKinds(random: Random): readonly FunctionKind[] {
  const main = (): FunctionKind => random.pick(["switch", "router", "acl"]);
  const kinds = [main(), main(), ...(random.chance(40) ? [main()] : [])];
  return kinds
    .flatMap((kind) => (random.chance(50) ? (["marker", kind] as const) : [kind]))
    .concat(random.chance(60) ? ["marker"] : []);
}

/** The two ports by which a function stands in the chain, and all of its ports. */
const shapes: Readonly<Record<FunctionKind, { readonly ends: readonly [number, number]; readonly ports: number }>> = {
  switch: { ends: [0, 2], ports: 3 },
  router: { ends: [1, 3], ports: 4 },
  acl: { ends: [0, 1], ports: 2 },
  marker: { ends: [0, 1], ports: 2 },
};

function viewOf(kind: FunctionKind, name: string, place: number, random: Random): InstanceView {
  const names = kind === "acl" ? ["inside", "outside"] : ["left", "right"];
  const fixed = names.map((port, number): InstancePort => {
    return { name: port, number, config: {}, linked: true, device: undefined };
  });
  switch (kind) {
    case "switch":
      return { ...threePorts(random), name };
    case "router":
      return { ...router.randomRouter(new router.Random(random.below(2 ** 31))), name };
    case "acl":
      return { name, config: passableAcl(random), ports: fixed };
    case "marker":
      return { name, config: { number: place }, ports: fixed };
  }
}

/** Mostly one that lets packets on to the next function. */
function passableAcl(random: Random): JsonObject {
  const config = readableAcl(random);
  if (random.chance(30)) return config;
  const defaults = { ipv4: "accept", ipv6: "accept", arp: "accept", other: "accept" };
  return { ...config, rules: (config["rules"] as readonly JsonObject[]).slice(0, random.below(6)), defaults };
}

/** A random switch with three ports; most of them let most frames in, so that chains are passed. */
function threePorts(random: Random): InstanceView {
  const { config } = bridge.randomSwitch(random);
  const others = bridge.randomSwitch(random).ports;
  const plain = random.chance(50);
  const ports = [0, 1, 2].map((number): InstancePort => {
    const given = plain || random.chance(40) ? {} : random.pick(others).config;
    return { name: `p${number}`, number, config: given, linked: true, device: undefined };
  });
  const stations = (config["static"] as readonly JsonObject[]).filter(
    ({ port }) => port === undefined || ports.some(({ name }) => name === port),
  );
  return { name: "", config: { ...config, static: stations }, ports };
}

async function subjectFor(kind: FunctionKind, view: InstanceView): Promise<Subject> {
  switch (kind) {
    case "switch":
      return subjectOf(await switchModule(), switchHost, view);
    case "router":
      return routerSubject(await routerModule(), view);
    case "acl":
      return aclSubject(await aclModule(), view.config);
    case "marker":
      return { module: prepareModule(await markerModule(), view.config as never).module, tables: {} };
  }
}

export async function randomChain(random: Random, hook: PipelineHook): Promise<Chain> {
  const kinds = randomKinds(random);
  const names = kinds.map((kind, index) => `${kind}${index}`);
  const links = new Map<string, Link>();
  const tables: Record<string, Subject["tables"][string]> = {};
  for (const [index, kind] of kinds.entries()) {
    const name = names[index]!;
    const view = viewOf(kind, name, index, random);
    const { module, tables: own } = await subjectFor(kind, view);
    for (const [table, contents] of Object.entries(own)) tables[`${name}_${table}`] = contents;
    const peers = peersOf(kinds, names, index);
    const work = expectedWork({ module, trips: checkModule(module).trips }, runningAbilities());
    const node: Node = {
      ...{ instance: name, module, peers, id: index + 1, firstPort: (index + 1) * portRoom },
      ports: peers.map((_, port) => `p${port}`),
      firstReason: (index + 1) * reasonRoom,
      work,
    };
    links.set(name, { kind, module, view, node, model: modelOf(kind, view) });
  }
  const topology: Topology = new Map([...links].map(([name, { node }]) => [name, node]));
  const entrances = names.map((instance) => ({ instance, hook }));
  const limits = randomLimits(random);
  const compose = (): Composed => {
    const pipelines = cutPipelines(topology, entrances, limits);
    const slots = new Map(pipelines.map(({ root }, index) => [pipelineKey(hook, root.instance), index + 1]));
    const placed = pipelines.map((pipeline, index) => {
      return { slot: index + 1, module: composePipeline(pipeline, { topology, tables: sizes, slots }) };
    });
    return { slots, placed };
  };
  tables[tableNames.floods] = [...links.values()].flatMap(floodsOf);
  return { links, tables, compose };
}

/** The usual ones, or such that pipelines end after few functions, at every fork, or where two meet. */
function randomLimits(random: Random): CutLimits {
  if (random.chance(50)) return usualLimits;
  return { ...usualLimits, stages: 1 + random.below(4), branches: random.below(3), copies: 1 + random.below(2) };
}

function peersOf(
  kinds: readonly FunctionKind[],
  names: readonly string[],
  index: number,
): readonly (Peer | undefined)[] {
  const shape = shapes[kinds[index]!];
  return Array.from({ length: shape.ports }, (_, port): Peer | undefined => {
    const [left, right] = shape.ends;
    if (kinds[index] === "router" && port === 0) return undefined;
    const other = port === left ? index - 1 : port === right ? index + 1 : -1;
    if (!names[other]) return { kind: "device", device: `${names[index]}-${port}` };
    const [first, last] = shapes[kinds[other]!].ends;
    return { kind: "port", instance: names[other]!, port: other < index ? last : first };
  });
}

export function groupsOf({ kind, view }: Link): readonly Group[] {
  return kind === "switch" ? switchHost.floodGroups!(view) : [];
}

/** What the data path writes of groups, but for the devices, which are numbers of ports. */
function floodsOf(link: Link): readonly TableRow[] {
  const none = { port: 0, ifindex: 0, tagged: 0, toHost: 0, recirculation: 0 };
  return groupsOf(link)
    .filter(({ members }) => members.length > 0)
    .map(({ group, members }) => {
      const rows = members.map(({ port, tagged }) => ({
        ...none,
        ...{ port, ifindex: firstDevice + link.node.firstPort + port, tagged: tagged ? 1 : 0 },
        recirculation: link.node.peers[port]?.kind === "port" ? link.node.firstPort + port : 0,
      }));
      const all = [...rows, ...Array(mostMembers - rows.length).fill(none)];
      const tagged = members.some((member) => member.tagged) ? 1 : 0;
      return [
        groupKey(0, link.node.id, group),
        { count: rows.length, tagged, taggedPorts: taggedPorts(members), members: all },
      ];
    });
}

/** A frame of the kind that one of the chain's functions looks at. */
export function randomArrival(
  random: Random,
  numbers: router.Random,
  chain: Chain,
  given: { readonly hook: PipelineHook; readonly ticks: bigint; readonly shortest: number },
): { readonly instance: string; readonly arrival: Arrival } {
  const entrances = [...chain.links.values()].flatMap(({ node }) =>
    node.peers.flatMap((peer, port) => (peer?.kind === "device" ? [{ instance: node.instance, port }] : [])),
  );
  const { instance, port } = random.pick(entrances);
  const about = random.chance(60) ? chain.links.get(instance)! : random.pick([...chain.links.values()]);
  const frameOf = (): Uint8Array => {
    if (about.kind === "router")
      return router.randomFrame(numbers, about.node.instance === instance ? port : 1 + random.below(3));
    return about.kind === "acl" ? acl.randomFrame(random) : bridge.randomFrame(random, port);
  };
  const { hook, shortest, ticks } = given;
  return { instance, arrival: { port, ticks, ...arrivesAs(frameOf(), { hook, shortest, random }) } };
}
