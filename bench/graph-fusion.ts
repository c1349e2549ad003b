/** Switch, access list, router and switch in a row, against the router alone. */

import { buildPacket } from "../src/capture/packet.ts";
import type { Module } from "../src/compiler/hir/tree.ts";
import { PacketSocket } from "../src/kernel/packet-socket.ts";
import { asConfig, disjointRules } from "./graphs/access-lists.ts";
import { type ContestResult, contest, interval, losses, medianOf, ratio } from "./graphs/contest.ts";
import { frame, stationMac } from "./graphs/frames.ts";
import { Lane } from "./graphs/lane.ts";
import { bareLane, dropLane } from "./graphs/rivals.ts";
import { addGraph } from "./graphs/visors.ts";
import type { BenchOptions, BenchResult } from "./lib/benchmark.ts";
import { hirOf } from "./lib/loaded-typescript.ts";
import { pinTo } from "./lib/machine.ts";
import { decimals, table } from "./lib/markdown.ts";
import { benchFile } from "./lib/output.ts";

const goal = 1.6;
const [near, far] = ["02:00:00:00:aa:01", "02:00:00:00:aa:02"] as const;
const [host, gateway] = [stationMac(1, 1), stationMac(2, 1)];
const storm = { broadcast: 1000, multicast: 1000, unknown: 1000 } as const;

const router = {
  kind: "router",
  config: {
    neighbours: [
      { port: "inside", address: "10.0.1.2", mac: host },
      { port: "outside", address: "10.0.2.2", mac: gateway },
    ],
  },
  ports: {
    inside: { addresses: ["10.0.1.1/24"], mac: near },
    outside: { addresses: ["10.0.2.1/24"], mac: far },
  },
} as const;

export async function run(options: BenchOptions): Promise<BenchResult> {
  const module = await hirOf(benchFile("graphs", "kernel.ts"));
  pinTo(1);
  return report(await measure(module, options.pairs));
}

async function measure(module: Module, rounds: number): Promise<ContestResult> {
  const frames = [frame({ macs: [host, near] })];
  await using owned = new AsyncDisposableStack();
  const lane = (name: string): Lane => owned.use(new Lane(module, { name, frames }));
  const alone = await addGraph(owned, lane("router"), {
    functions: { r1: router },
    links: ["dev:in -> r1.inside", "r1.outside -> dev:out"],
  });
  const port = { vlan: 10, storm };
  const sw = { kind: "switch", config: { ageing: 300 }, ports: { down: port, up: port } };
  // The list lets the frames through by its last rule.
  const { rules } = asConfig(disjointRules(100)) as { readonly rules: readonly object[] };
  const acl = { kind: "acl", config: { rules: [...rules, { action: "accept" }] } };
  const fused = await addGraph(owned, lane("fused"), {
    functions: { s1: sw, fw: acl, r1: router, s2: sw },
    links: [
      "dev:in -> s1.down",
      "s1.up -> fw.inside",
      "fw.outside -> r1.inside",
      "r1.outside -> s2.down",
      "s2.up -> dev:out",
    ],
  });
  await introduce(fused);
  return contest([dropLane(module, lane("drop")), bareLane(module, lane("bare")), alone, fused], rounds, ["drop"]);
}

/** A packet back from the far end: both switches learn where the router and the gateway are. */
async function introduce(lane: Lane): Promise<void> {
  using socket = new PacketSocket("s0", lane.network.host("sink").namespace);
  socket.send(buildPacket(`eth ${gateway} > ${far} / ip 10.0.2.2 > 10.0.1.2 / udp 2 > 1 / payload 18`));
  await new Promise((resolve) => setTimeout(resolve, 50));
}

function report(result: ContestResult): BenchResult {
  const net = (name: string): number => medianOf(result, name) - medianOf(result, "drop");
  const markdown = table(
    [
      { title: "path", of: (name: string) => name },
      { title: "ns a frame", of: (name) => decimals(medianOf(result, name), 0) },
      { title: "net of the generator", of: (name) => decimals(net(name), 0) },
    ],
    Object.keys(result.rounds),
  );
  const cost = ratio(result, "fused", "router", "drop");
  const sentence =
    `Switch, access list, router and switch cost **${interval(cost)}** of the router alone, ` +
    `net of the generator (goal ${goal}).`;
  const missed = cost.value <= goal ? [] : [`${interval(cost)} of the router alone, goal ${goal}`];
  return {
    markdown: [markdown, sentence].join("\n\n"),
    plots: [],
    data: result,
    missed: [...losses(result), ...missed],
  };
}
