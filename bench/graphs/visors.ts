/** Graphs at work in lanes. */

import { FunctionCatalogue } from "../../src/engine/catalogue/functions.ts";
import { parseGraph } from "../../src/engine/graph/parse.ts";
import type { Graph } from "../../src/engine/graph/types.ts";
import { Counters } from "../../src/engine/inspect/counters.ts";
import { MemoryStore } from "../../src/engine/store/memory.ts";
import { Visor } from "../../src/engine/visor/visor.ts";
import { benchFile } from "../lib/output.ts";
import type { Lane } from "./lane.ts";

/** The functions that come with the project. */
const builtIn = Object.fromEntries(
  ["acl", "router", "switch"].map((name) => [name, new URL(`../../src/functions/${name}/`, import.meta.url)]),
);

let visors = 0;

/** A visor of functions in `bench/graphs/functions` and built-in ones. It is to be torn down. */
export async function openVisor(): Promise<Visor> {
  const name = `iovbench${process.pid}v${visors++}`;
  const functions = new FunctionCatalogue(builtIn);
  return await Visor.open({ name, store: new MemoryStore(), functions, base: benchFile("graphs", "functions") });
}

export type GraphData = Readonly<Record<"functions" | "links", unknown>>;

/** The graph with "in" and "out" for the two devices of a lane, at XDP. */
export async function graphIn(lane: Lane, data: GraphData): Promise<Graph> {
  const device = (name: string) => ({ name, netns: lane.target.namespace.name!, hook: "xdp" });
  return await parseGraph({ ...data, devices: { in: device("p0"), out: device("p1") } });
}

/** Puts a graph to work in a lane; it goes with the stack. */
export async function addGraph(owned: AsyncDisposableStack, lane: Lane, data: GraphData): Promise<Lane> {
  const visor = owned.use(await openVisor());
  owned.defer(() => visor.teardown());
  await visor.apply(await graphIn(lane, data));
  lane.drops = () => dropsOf(visor);
  return lane;
}

/** Frames that the functions of a graph dropped, by instance and reason. */
function dropsOf(visor: Visor): Readonly<Record<string, number>> {
  const { instances, topology } = visor.prepared!.numbered;
  const counters = new Counters(visor.running.dataPath, () => topology);
  const drops = [...instances].flatMap(([name, instance]) =>
    counters.drops(instance).map(({ reason, packets }) => [`${name}.${reason}`, Number(packets)] as const),
  );
  return Object.fromEntries(drops.filter(([, packets]) => packets > 0));
}
