/** The access list against nft on the kernel's bridge: rules in a chain, and in a map of verdicts. */
import type { Module } from "../src/compiler/hir/tree.ts";
import { acceptedFrames, asChain, asConfig, asMap, disjointRules, mixedRules } from "./graphs/access-lists.ts";
import { type ContestResult, contest, interval, losses, medianOf, ratio } from "./graphs/contest.ts";
import { costPlot } from "./graphs/cost-plot.ts";
import { stationMac } from "./graphs/frames.ts";
import { Lane } from "./graphs/lane.ts";
import { bareLane, bridgeLane, dropLane } from "./graphs/rivals.ts";
import { addGraph } from "./graphs/visors.ts";
import type { BenchOptions, BenchResult } from "./lib/benchmark.ts";
import { hirOf } from "./lib/loaded-typescript.ts";
import { pinTo } from "./lib/machine.ts";
import { decimals, grouped, table } from "./lib/markdown.ts";
import { benchFile } from "./lib/output.ts";
import type { AccessRule } from "./match-rules/rules.ts";

const counts = [10, 100, 1000, 10_000] as const;
const longCounts = [10, 1000, 10_000] as const;
const goals = { linear: 15, map: 2.5, growth: 1.3 } as const;
const links = ["dev:in -> fw.inside", "fw.outside -> dev:out"];

export async function run(options: BenchOptions): Promise<BenchResult> {
  const module = await hirOf(benchFile("graphs", "kernel.ts"));
  pinTo(1);
  const rivals = new Map<number, ContestResult>();
  for (const count of counts) rivals.set(count, await againstNft(module, disjointRules(count), options.pairs));
  return report(rivals, await growth(module, options.pairs));
}

async function againstNft(module: Module, rules: readonly AccessRule[], rounds: number): Promise<ContestResult> {
  const frames = acceptedFrames(rules);
  await using owned = new AsyncDisposableStack();
  const lane = (name: string): Lane => owned.use(new Lane(module, { name, frames }));
  const ours = await addGraph(owned, lane("acl"), {
    functions: { fw: { kind: "acl", config: asConfig(rules) } },
    links,
  });
  const [chain, map] = [bridgeLane(lane("chain")), bridgeLane(lane("map"))];
  for (const [rival, text] of [
    [chain, asChain(rules)],
    [map, asMap(rules)],
  ] as const) {
    rival.target.exec("bridge", ["fdb", "add", stationMac(2, 1), "dev", "p1", "master", "static"]);
    rival.batch("nft", ["-f", "-"], text);
  }
  // A bridge port blocks until the bridge has found it forwarding.
  await new Promise((resolve) => setTimeout(resolve, 200));
  return contest([dropLane(module, lane("drop")), bareLane(module, lane("bare")), chain, map, ours], rounds, ["drop"]);
}

/** Lists in the manner of ClassBench, each with frames of its own, side by side. */
async function growth(module: Module, rounds: number): Promise<ContestResult> {
  await using owned = new AsyncDisposableStack();
  const lanes: Lane[] = [];
  for (const count of longCounts) {
    const rules = mixedRules(count, 3);
    const lane = owned.use(new Lane(module, { name: `${count} rules`, frames: acceptedFrames(rules) }));
    lanes.push(await addGraph(owned, lane, { functions: { fw: { kind: "acl", config: asConfig(rules) } }, links }));
  }
  const drop = owned.use(new Lane(module, { name: "drop", frames: acceptedFrames(mixedRules(10, 3)) }));
  return contest([dropLane(module, drop), ...lanes], rounds, ["drop"]);
}

function report(rivals: ReadonlyMap<number, ContestResult>, long: ContestResult): BenchResult {
  const rows = [...rivals];
  type Row = (typeof rows)[number];
  const markdown = table(
    [
      { title: "rules", of: ([count]: Row) => grouped(count) },
      ...["drop", "bare", "chain", "map", "acl"].map((name) => ({
        title: `${name} ns`,
        of: ([, result]: Row) => decimals(medianOf(result, name), 0),
      })),
      { title: "chain / acl", of: ([, result]) => interval(ratio(result, "chain", "acl")) },
      { title: "net", of: ([, result]) => interval(ratio(result, "chain", "acl", "drop")) },
      { title: "map / acl", of: ([, result]) => interval(ratio(result, "map", "acl")) },
      { title: "net", of: ([, result]) => interval(ratio(result, "map", "acl", "drop")) },
    ],
    rows,
  );
  const most = rivals.get(1000)!;
  const [linear, mapped] = [ratio(most, "chain", "acl", "drop"), ratio(most, "map", "acl", "drop")];
  const few = `${longCounts[0]} rules`;
  const grown = longCounts.slice(1).map((count) => {
    const all = ratio(long, `${count} rules`, few);
    return { count, all, net: ratio(long, `${count} rules`, few, "drop") };
  });
  const sentences = grown.map(
    ({ count, all, net }) =>
      `${grouped(count)} mixed rules cost **${interval(all)}** of ten, net of the generator ${interval(net)}.`,
  );
  const net = (result: ContestResult, name: string): number => medianOf(result, name) - medianOf(result, "drop");
  const line = (name: string) => ({
    label: name,
    points: rows.map(([count, result]) => [count, net(result, name)] as const),
  });
  const mixed = longCounts.map((count) => [count, net(long, `${count} rules`)] as const);
  const svg = costPlot({
    title: "Filtering",
    sizes: "rules",
    ours: line("acl"),
    rivals: [
      { ...line("chain"), label: "nft, a chain" },
      { ...line("map"), label: "nft, a map" },
    ],
    others: [{ label: "acl, mixed rules", points: mixed }],
  });
  const last = grown.at(-1)!.all;
  return {
    markdown: [markdown, ...sentences].join("\n\n"),
    plots: [{ name: "filtering", svg }],
    data: { rivals: rows, long },
    missed: [
      ...[...rows.map(([, result]) => result), long].flatMap(losses),
      ...(linear.value >= goals.linear ? [] : [`nft's chain takes ${interval(linear)}, goal ${goals.linear}`]),
      ...(mapped.value >= goals.map ? [] : [`nft's map takes ${interval(mapped)}, goal ${goals.map}`]),
      ...(last.value <= goals.growth ? [] : [`10,000 rules cost ${interval(last)} of ten, goal ${goals.growth}`]),
    ],
  };
}
