/** A graph that forwards between two devices against the kernel's bridge, and chains of functions. */
import { contest, interval, losses, medianOf, ratio } from "./graphs/contest.ts";
import { costPlot } from "./graphs/cost-plot.ts";
import { frame, stationMac } from "./graphs/frames.ts";
import { Lane } from "./graphs/lane.ts";
import { bareLane, bridgeLane, bridgesLane, dropLane } from "./graphs/rivals.ts";
import { addGraph, type GraphData } from "./graphs/visors.ts";
import type { BenchOptions, BenchResult } from "./lib/benchmark.ts";
import { hirOf } from "./lib/loaded-typescript.ts";
import { pinTo } from "./lib/machine.ts";
import { decimals, table } from "./lib/markdown.ts";
import { benchFile } from "./lib/output.ts";

const frames = [frame({ macs: [stationMac(1, 1), stationMac(2, 1)] })];
const lengths = [1, 2, 4, 8] as const;

export async function run(options: BenchOptions): Promise<BenchResult> {
  const module = await hirOf(benchFile("graphs", "kernel.ts"));
  pinTo(1);
  await using owned = new AsyncDisposableStack();
  const lane = (name: string): Lane => owned.use(new Lane(module, { name, frames }));
  const lanes = [dropLane(module, lane("drop")), bareLane(module, lane("bare")), bridgeLane(lane("bridge"))];
  lanes[2]!.target.exec("bridge", ["fdb", "add", stationMac(2, 1), "dev", "p1", "master", "static"]);
  const graph = (name: string, data: GraphData): Promise<Lane> => addGraph(owned, lane(name), data);
  for (const length of lengths.slice(1)) lanes.push(bridgesLane(lane(bridgesName(length)), length, stationMac(2, 1)));
  lanes.push(await graph("forwarder", chainOf(1, "./forwarder")));
  for (const length of lengths) lanes.push(await graph(`${length} counters`, chainOf(length, "./counter")));
  return report(contest(lanes, options.pairs, ["drop"]));
}

function bridgesName(length: number): string {
  return length === 1 ? "bridge" : `${length} bridges`;
}

function chainOf(length: number, kind: string): GraphData {
  const names = Array.from({ length }, (_, index) => `f${index + 1}`);
  const ends = names.flatMap((name) => [`${name}.left`, `${name}.right`]);
  const all = ["dev:in", ...ends, "dev:out"];
  const links = Array.from({ length: length + 1 }, (_, index) => `${all[2 * index]} -> ${all[2 * index + 1]}`);
  return { functions: Object.fromEntries(names.map((name) => [name, { kind }])), links };
}

function report(result: ReturnType<typeof contest>): BenchResult {
  const names = Object.keys(result.rounds);
  const net = (name: string): number => medianOf(result, name) - medianOf(result, "drop");
  const markdown = table(
    [
      { title: "path", of: (name: string) => name },
      { title: "ns a frame", of: (name) => decimals(medianOf(result, name), 0) },
      { title: "net of the generator", of: (name) => decimals(net(name), 0) },
      { title: "of the bridge", of: (name) => decimals(medianOf(result, name) / medianOf(result, "bridge"), 2) },
      { title: "of bare, net", of: (name) => (name === "drop" ? "" : decimals(net(name) / net("bare"), 2)) },
    ],
    names,
  );
  const bridged = ratio(result, "bridge", "forwarder");
  const pointsOf = (nameOf: (length: number) => string) =>
    lengths.map((length) => [length, net(nameOf(length))] as const);
  const svg = costPlot({
    title: "Functions that parse and count, and bridges, in a row",
    sizes: "functions, or bridges, in a row",
    sizeScale: "linear",
    ours: { label: "fused graph", points: pointsOf((length) => `${length} counters`) },
    rivals: [{ label: "kernel's bridges", points: pointsOf(bridgesName) }],
  });
  const sentence = `The bridge takes **${interval(bridged)}** times as long as a graph that forwards.`;
  return {
    markdown: [markdown, sentence].join("\n\n"),
    plots: [{ name: "graph-chain", svg }],
    data: result,
    missed: losses(result),
  };
}
