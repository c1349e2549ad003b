/** The switch, with VLANs, ageing and storm control, against the kernel's bridge. */
import type { Module } from "../src/compiler/hir/tree.ts";
import { PacketSocket } from "../src/kernel/packet-socket.ts";
import { type ContestResult, contest, interval, losses, medianOf, ratio } from "./graphs/contest.ts";
import { costPlot } from "./graphs/cost-plot.ts";
import { frame, stationMac } from "./graphs/frames.ts";
import { Lane } from "./graphs/lane.ts";
import { bareLane, bridgeLane, dropLane } from "./graphs/rivals.ts";
import { addGraph } from "./graphs/visors.ts";
import type { BenchOptions, BenchResult } from "./lib/benchmark.ts";
import { hirOf } from "./lib/loaded-typescript.ts";
import { pinTo } from "./lib/machine.ts";
import { decimals, table } from "./lib/markdown.ts";
import { benchFile } from "./lib/output.ts";

/** Stations on each side. */
const counts = [1, 8, 64, 512, 2048, 8192] as const;
const decisive = 64;
const goals = { bridge: 4, bare: 1.5 } as const;
const storm = { broadcast: 1000, multicast: 1000, unknown: 1000 } as const;
const port = { vlan: 10, storm } as const;

export async function run(options: BenchOptions): Promise<BenchResult> {
  const module = await hirOf(benchFile("graphs", "kernel.ts"));
  pinTo(1);
  const results = new Map<number, ContestResult>();
  for (const stations of counts) results.set(stations, await measure(module, stations, options.pairs));
  return report(results);
}

async function measure(module: Module, stations: number, rounds: number): Promise<ContestResult> {
  const frames = Array.from({ length: stations }, (_, index) =>
    frame({ macs: [stationMac(1, index), stationMac(2, (index * 7) % stations)] }),
  );
  await using owned = new AsyncDisposableStack();
  const lane = (name: string): Lane => owned.use(new Lane(module, { name, frames, generator: "generateAddresses" }));
  const bridge = bridgeLane(lane("bridge"));
  const ours = await addGraph(owned, lane("switch"), {
    functions: { sw: { kind: "switch", config: { ageing: 300 }, ports: { left: port, right: port } } },
    links: ["dev:in -> sw.left", "sw.right -> dev:out"],
  });
  for (const one of [bridge, ours]) await introduce(one, stations);
  const lanes = [dropLane(module, lane("drop")), bareLane(module, lane("bare")), bridge, ours];
  return contest(lanes, rounds, ["drop"]);
}

/** Each station of the far end says a word, so that it is known. */
async function introduce(lane: Lane, stations: number): Promise<void> {
  // A bridge port blocks until the bridge has found it forwarding.
  await new Promise((resolve) => setTimeout(resolve, 200));
  using socket = new PacketSocket("s0", lane.network.host("sink").namespace);
  for (let index = 0; index < stations; index++) {
    socket.send(frame({ macs: [stationMac(2, index), stationMac(1, index)] }));
    if (index % 64 === 63) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  lane.send(4 * Math.max(64, stations));
}

function report(results: ReadonlyMap<number, ContestResult>): BenchResult {
  const rows = [...results];
  const at = results.get(decisive)!;
  const net = (result: ContestResult, name: string): number => medianOf(result, name) - medianOf(result, "drop");
  const markdown = table(
    [
      { title: "stations a side", of: ([stations]: (typeof rows)[number]) => stations },
      ...["drop", "bare", "bridge", "switch"].map((name) => ({
        title: `${name} ns`,
        of: ([, result]: (typeof rows)[number]) => decimals(medianOf(result, name), 0),
      })),
      { title: "bridge / switch", of: ([, result]) => interval(ratio(result, "bridge", "switch")) },
      { title: "the same, net", of: ([, result]) => interval(ratio(result, "bridge", "switch", "drop")) },
      { title: "switch / bare, net", of: ([, result]) => interval(ratio(result, "switch", "bare", "drop")) },
    ],
    rows,
  );
  const [bridged, bared] = [ratio(at, "bridge", "switch", "drop"), ratio(at, "switch", "bare", "drop")];
  const line = (name: string) => ({
    label: name,
    points: rows.map(([stations, result]) => [stations, net(result, name)] as const),
  });
  const svg = costPlot({
    title: "Switching",
    sizes: "stations on each side (MAC addresses)",
    ours: line("switch"),
    rivals: [{ ...line("bridge"), label: "kernel's bridge" }],
    others: [{ ...line("bare"), label: "bare XDP" }],
  });
  return {
    markdown,
    plots: [{ name: "switching", svg }],
    data: rows,
    missed: [
      ...rows.flatMap(([, result]) => losses(result)),
      ...(bridged.value >= goals.bridge ? [] : [`${interval(bridged)} times the bridge, goal ${goals.bridge}`]),
      ...(bared.value <= goals.bare ? [] : [`${interval(bared)} of a bare program, goal ${goals.bare}`]),
    ],
  };
}
