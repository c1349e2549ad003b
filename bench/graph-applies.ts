/** Applies under traffic at full rate: every frame is accounted for, and no state is lost. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Visor } from "../src/engine/visor/visor.ts";
import { findDevice } from "../src/kernel/devices.ts";
import { destinationCount, manyDestinations } from "./graphs/frames.ts";
import { generatorCpu, Lane, sumOf } from "./graphs/lane.ts";
import { type GraphData, graphIn, openVisor } from "./graphs/visors.ts";
import { type BenchOptions, type BenchResult, progress } from "./lib/benchmark.ts";
import { hirOf } from "./lib/loaded-typescript.ts";
import { pinTo } from "./lib/machine.ts";
import { decimals, grouped, table } from "./lib/markdown.ts";
import { benchFile } from "./lib/output.ts";
import { median, quantile } from "./lib/statistics.ts";

const applies = 500;
/** Every so many, a function comes into the chain or leaves it; in between, a setting changes. */
const structural = 10;
const mostSeconds = 300;
const settleMilliseconds = 300;
/** Above the rings' drops of the run without applies, as a part of all frames: what chance may do. */
const allowance = 0.001;

/** Frames at each place of the lane. */
interface Counts {
  readonly received: number;
  readonly delivered: number;
  readonly dropped: number;
  /** By the rings between devices: ahead of the path and behind it. */
  readonly ringBefore: number;
  readonly ringAfter: number;
  readonly counted: number;
}

interface Outcome {
  readonly counts: Counts;
  readonly seconds: number;
  readonly milliseconds: readonly number[];
  readonly entries: number;
}

export async function run(_options: BenchOptions): Promise<BenchResult> {
  const module = await hirOf(benchFile("graphs", "kernel.ts"));
  pinTo(0);
  const outcomes: Outcome[] = [];
  for (const count of [0, applies]) {
    using lane = new Lane(module, { name: "applies", frames: manyDestinations().slice(0, 1) });
    await using visor = await openVisor();
    try {
      await visor.apply(await graphIn(lane, chain(0)));
      outcomes.push(await underTraffic(lane, visor, count, outcomes[0]));
    } finally {
      await visor.teardown();
    }
  }
  progress("");
  return report(outcomes[0]!, outcomes[1]!);
}

/** The graph after so many applies. */
function chain(apply: number): GraphData {
  const extra = Math.floor(apply / structural) % 2 === 1;
  const counter = { kind: "./counter", config: { weight: 1 + (apply % 1000) } };
  const flows = { kind: "./flows" };
  const between = extra ? ["f1.right -> f2.left", "f2.right -> flows.left"] : ["f1.right -> flows.left"];
  return {
    functions: { f1: counter, ...(extra ? { f2: { kind: "./counter" } } : {}), flows },
    links: ["dev:in -> f1.left", ...between, "flows.right -> dev:out"],
  };
}

async function underTraffic(lane: Lane, visor: Visor, count: number, quiet?: Outcome): Promise<Outcome> {
  const start = countsOf(lane, visor);
  const host = lane.network.host("generator");
  const args = [benchFile("graphs", "send.ts"), findDevice("g0", host.namespace).index, generatorCpu, mostSeconds];
  const sender = host.spawn(process.execPath, args.map(String), { stdio: ["ignore", "ignore", "inherit"] });
  const exit = once(sender, "exit");
  while (lane.delivered === 0) await sleep(10);
  const began = performance.now();
  const milliseconds: number[] = [];
  for (let apply = 1; apply <= count; apply++) {
    progress(`apply ${apply} of ${count}`);
    const graph = await graphIn(lane, chain(apply));
    const before = performance.now();
    await visor.apply(graph);
    milliseconds.push(performance.now() - before);
  }
  if (!quiet) await sleep(10_000);
  const seconds = (performance.now() - began) / 1000;
  sender.kill("SIGKILL");
  await exit;
  await sleep(settleMilliseconds);
  visor.running.settle();
  const end = countsOf(lane, visor);
  const counts = Object.fromEntries(
    Object.entries(end).map(([name, value]) => [name, value - start[name as keyof Counts]]),
  ) as unknown as Counts;
  return { counts, seconds, milliseconds, entries: entriesOf(visor).length };
}

function countsOf(lane: Lane, visor: Visor): Counts {
  const target = lane.target;
  const link = JSON.parse(target.exec("ip", ["-j", "-s", "link", "show", "dev", "p0"])) as readonly {
    readonly stats64: { readonly rx: { readonly packets: number } };
  }[];
  const drops = [...visor.running.dataPath.table("drops").entries()];
  return {
    received: link[0]!.stats64.rx.packets,
    delivered: lane.delivered,
    // Packets and bytes by turns.
    dropped: drops.reduce((sum, [, value]) => sum + evenSum(value), 0),
    ringBefore: ringDrops(lane.network.host("generator").exec("ethtool", ["-S", "g0"])),
    ringAfter: ringDrops(target.exec("ethtool", ["-S", "p1"])),
    counted: entriesOf(visor).reduce((sum, value) => sum + sumOf(value), 0),
  };
}

/** The first one of two counters, over all processors. */
function evenSum(value: Uint8Array): number {
  const words = new BigUint64Array(value.slice().buffer);
  return words.reduce((sum, word, index) => (index % 2 === 0 ? sum + Number(word) : sum), 0);
}

/** Frames that a device's peer had no room for. */
function ringDrops(statistics: string): number {
  const found = [...statistics.matchAll(/xdp_xmit_err\w*: (\d+)/g)];
  return found.reduce((sum, [, number]) => sum + Number(number), 0);
}

function entriesOf(visor: Visor): readonly Uint8Array[] {
  return [...visor.running.map("flows", "destinations")!.map.entries()].map(([, value]) => value);
}

function report(quiet: Outcome, changed: Outcome): BenchResult {
  const row = (what: string, of: (outcome: Outcome) => string) => ({ what, cells: [quiet, changed].map(of) });
  const counts: readonly (readonly [string, keyof Counts])[] = [
    ["frames that came in", "received"],
    ["delivered", "delivered"],
    ["dropped and counted by the graph", "dropped"],
    ["no room in the ring behind the graph", "ringAfter"],
    ["no room in the ring ahead of it", "ringBefore"],
    ["counted in the function's state", "counted"],
  ];
  const rows = [
    row("applies", ({ milliseconds }) => grouped(milliseconds.length)),
    row("frames per second", (outcome) => grouped(outcome.counts.received / outcome.seconds)),
    ...counts.map(([what, name]) => row(what, (outcome) => grouped(outcome.counts[name]))),
    row("entries of state", ({ entries }) => grouped(entries)),
    row("apply, median ms", ({ milliseconds }) => decimals(median(milliseconds), 1)),
    row("apply, 95% ms", ({ milliseconds }) => decimals(quantile(milliseconds, 0.95), 1)),
  ];
  const markdown = table(
    [
      { title: "under traffic", of: ({ what }: (typeof rows)[number]) => what },
      { title: "no applies", of: ({ cells }) => cells[0] },
      { title: "applies", of: ({ cells }) => cells[1] },
    ],
    rows,
  );
  const missed = [quiet, changed].flatMap(({ counts, entries }) => [
    ...(counts.received === counts.delivered + counts.dropped + counts.ringAfter ? [] : ["frames are unaccounted for"]),
    ...(counts.received === counts.counted ? [] : [`${counts.received - counts.counted} frames are not in the state`]),
    ...(entries === destinationCount ? [] : [`${entries} entries of state, not ${destinationCount}`]),
  ]);
  const part = ({ counts: { ringAfter, ringBefore, received } }: Outcome) => (ringAfter + ringBefore) / received;
  if (part(changed) > part(quiet) + allowance) missed.push("applies made the rings drop more");
  return { markdown, plots: [], data: { quiet, changed }, missed };
}
