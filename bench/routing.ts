/** The router, with its own routes and in host mode with the kernel's, against the kernel's forwarding. */
import type { Module } from "../src/compiler/hir/tree.ts";
import { type ContestResult, contest, interval, losses, medianOf, ratio } from "./graphs/contest.ts";
import { costPlot } from "./graphs/cost-plot.ts";
import { frame, frameTo } from "./graphs/frames.ts";
import { Lane } from "./graphs/lane.ts";
import { bareLane, dropLane, withGro } from "./graphs/rivals.ts";
import { addressIn, type Route, randomRoutes, textOf } from "./graphs/routes.ts";
import { addGraph } from "./graphs/visors.ts";
import type { BenchOptions, BenchResult } from "./lib/benchmark.ts";
import { hirOf } from "./lib/loaded-typescript.ts";
import { pinTo } from "./lib/machine.ts";
import { decimals, grouped, table } from "./lib/markdown.ts";
import { benchFile } from "./lib/output.ts";
import { randomNumbers } from "./lib/statistics.ts";

const counts = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000] as const;
/** How many times the router's time the kernel takes at least, net of the generator. */
const goals: Readonly<Record<number, number>> = { 1: 2.7, 100000: 2 };
const destinations = 65_536;
const [gateway, gatewayMac] = ["10.0.2.2", "02:00:00:00:02:02"] as const;
/** Of the device that faces the generator: the second end of the first wire. */
const nearMac = "02:00:00:00:01:02";

export async function run(options: BenchOptions): Promise<BenchResult> {
  const module = await hirOf(benchFile("graphs", "kernel.ts"));
  pinTo(1);
  const results = new Map<number, ContestResult>();
  for (const count of counts) results.set(count, await measure(module, randomRoutes(count), options.pairs));
  return report(results);
}

async function measure(module: Module, routes: readonly Route[], rounds: number): Promise<ContestResult> {
  const random = randomNumbers(7);
  const template = frame({ macs: ["02:00:00:00:01:01", nearMac] });
  const frames = Array.from({ length: destinations }, () =>
    frameTo(template, addressIn(routes[Math.floor(random() * routes.length)]!, random)),
  );
  await using owned = new AsyncDisposableStack();
  const lane = (name: string): Lane =>
    owned.use(
      new Lane(module, {
        name,
        frames,
        ...(name === "kernel" || name === "host"
          ? { addresses: ["10.0.1.1/24", "10.0.2.1/24"], network: { forwarding: ["target"] } }
          : {}),
      }),
    );
  const prefixes = routes.map(({ address, length }) => `${textOf(address)}/${length}`);
  const ours = await addGraph(owned, lane("router"), {
    functions: {
      r1: {
        kind: "router",
        config: {
          routes: prefixes.map((prefix) => ({ prefix, via: gateway })),
          neighbours: [{ port: "outside", address: gateway, mac: gatewayMac }],
        },
        ports: { inside: { addresses: ["10.0.1.1/24"] }, outside: { addresses: ["10.0.2.1/24"] } },
      },
    },
    links: ["dev:in -> r1.inside", "r1.outside -> dev:out"],
  });
  const [kernel, host] = [lane("kernel"), lane("host")];
  for (const one of [kernel, host]) routeInKernel(one, prefixes);
  await addGraph(owned, host, {
    functions: { r1: { kind: "router", config: { mode: "host" }, ports: { inside: {}, outside: {} } } },
    links: ["dev:in -> r1.inside", "r1.outside -> dev:out"],
  });
  const limits = [dropLane(module, lane("drop")), bareLane(module, lane("bare"))];
  return contest([...limits, kernel, ours, host], rounds, ["drop"]);
}

function routeInKernel(lane: Lane, prefixes: readonly string[]): void {
  withGro(lane);
  lane.target.exec("ip", ["neighbour", "replace", gateway, "lladdr", gatewayMac, "dev", "p1", "nud", "permanent"]);
  const lines = prefixes.map((prefix) => `route add ${prefix} via ${gateway} dev p1`);
  lane.batch("ip", ["-batch", "-"], `${lines.join("\n")}\n`);
}

function report(results: ReadonlyMap<number, ContestResult>): BenchResult {
  const rows = [...results];
  type Row = (typeof rows)[number];
  const markdown = table(
    [
      { title: "routes", of: ([count]: Row) => grouped(count) },
      ...["drop", "bare", "kernel", "router", "host"].map((name) => ({
        title: `${name} ns`,
        of: ([, result]: Row) => decimals(medianOf(result, name), 0),
      })),
      { title: "kernel / router", of: ([, result]) => interval(ratio(result, "kernel", "router")) },
      { title: "the same, net", of: ([, result]) => interval(ratio(result, "kernel", "router", "drop")) },
      {
        title: "kernel / host mode, net",
        of: ([, result]) => interval(ratio(result, "kernel", "host", "drop")),
      },
      { title: "router / bare, net", of: ([, result]) => interval(ratio(result, "router", "bare", "drop")) },
    ],
    rows,
  );
  const line = (name: string) => ({
    label: name,
    points: rows.map(([count, result]) => [count, medianOf(result, name) - medianOf(result, "drop")] as const),
  });
  const svg = costPlot({
    title: "Routing to random destinations",
    sizes: "routes",
    ours: line("router"),
    rivals: [{ ...line("kernel"), label: "kernel's forwarding" }],
    others: [
      { ...line("host"), label: "router in host mode" },
      { ...line("bare"), label: "bare XDP" },
    ],
  });
  const missed = rows.flatMap(([count, result]) => {
    const [reached, goal] = [ratio(result, "kernel", "router", "drop"), goals[count]];
    return goal === undefined || reached.value >= goal
      ? []
      : [`${grouped(count)} routes: the kernel takes ${interval(reached)} of the router's time, goal ${goal}`];
  });
  return {
    markdown,
    plots: [{ name: "routing", svg }],
    data: rows,
    missed: [...rows.flatMap(([, result]) => losses(result)), ...missed],
  };
}
