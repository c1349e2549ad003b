/** Replaces a program again and again while frames come at full rate: each frame meets one version, whole. */
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { RunningFunction } from "../src/engine/running.ts";
import { findDevice } from "../src/kernel/devices.ts";
import { VirtualNetwork } from "../src/kernel/virtual-network.ts";
import { type BenchOptions, type BenchResult, progress } from "./lib/benchmark.ts";
import { hirOf } from "./lib/loaded-typescript.ts";
import { pinTo } from "./lib/machine.ts";
import { decimals, grouped, table } from "./lib/markdown.ts";
import { benchFile } from "./lib/output.ts";
import { median, quantile } from "./lib/statistics.ts";

const SWAPS = 200;
/** Longer than the swaps take; the generator is stopped when they are done. */
const MOST_SECONDS = 120;
const GENERATOR_CPU = 1;
/** Frames that were sent are received within this time after the last one. */
const SETTLE_MILLISECONDS = 200;

export async function run(_options: BenchOptions): Promise<BenchResult> {
  const module = await hirOf(benchFile("replace-under-load", "program.ts"));
  pinTo(0);
  using network = new VirtualNetwork({
    wires: [
      [
        { host: "generator", device: "out0" },
        { host: "target", device: "in0" },
      ],
    ],
  });
  const target = network.host("target");
  const where = { hook: "xdp", device: "in0", mode: "native" } as const;
  using running = new RunningFunction(module, { targets: [{ where }] });
  running.attach(where, { netns: target.namespace });
  const start = received(network);
  const ifindex = findDevice("out0", network.host("generator").namespace).index;
  const args = [benchFile("lib", "frame-generator.ts"), ...[ifindex, GENERATOR_CPU, MOST_SECONDS].map(String)];
  const generator = network.host("generator").spawn(process.execPath, args, { stdio: ["ignore", "ignore", "inherit"] });
  const exit = once(generator, "exit");
  while (received(network) === start) await sleep(10);

  const began = performance.now();
  const swaps: number[] = [];
  for (let version = 1; version <= SWAPS; version++) {
    progress(`swap ${version} of ${SWAPS}`);
    swaps.push(running.configure({ version }).milliseconds);
    // Lets the new version meet frames before it goes.
    await sleep(2);
  }
  const seconds = (performance.now() - began) / 1000;
  generator.kill("SIGKILL");
  await exit;
  await sleep(SETTLE_MILLISECONDS);
  progress("");
  const map = (running.maps as Readonly<Record<string, { entries(): Iterable<readonly [number, readonly bigint[]]> }>>)[
    "seen"
  ]!;
  const counts = [...map.entries()].map(([, values]) => values.reduce((sum, value) => sum + Number(value), 0));
  return report({ arrived: received(network) - start, counts, swaps, seconds });
}

/** Frames that reached the device: the driver's own count, a witness that no program touches. */
function received(network: VirtualNetwork): number {
  const text = network.host("target").exec("ip", ["-j", "-s", "link", "show", "dev", "in0"]);
  const [link] = JSON.parse(text) as readonly { stats64: { rx: { packets: number } } }[];
  return link!.stats64.rx.packets;
}

interface Outcome {
  readonly arrived: number;
  readonly counts: readonly number[];
  readonly swaps: readonly number[];
  readonly seconds: number;
}

function report(outcome: Outcome): BenchResult {
  const { arrived, counts, swaps, seconds } = outcome;
  const counted = counts.reduce((sum, count) => sum + count, 0);
  const used = counts.filter((count) => count > 0).length;
  const rows = [
    ["swaps", grouped(swaps.length)],
    ["frames that reached the hook", grouped(arrived)],
    ["frames that the versions counted", grouped(counted)],
    ["versions that met frames", `${used} of ${swaps.length + 1}`],
    ["frames per second", grouped(arrived / seconds)],
    ["settings to live, median ms", decimals(median(swaps), 2)],
    ["settings to live, 95% ms", decimals(quantile(swaps, 0.95), 2)],
  ] as const;
  const markdown = table(
    [
      { title: "replacement under load", of: ([name]: (typeof rows)[number]) => name },
      { title: "", of: ([, value]) => value },
    ],
    rows,
  );
  const missed = counted === arrived ? [] : [`${counted} frames counted, ${arrived} arrived`];
  return { markdown, plots: [], data: outcome, missed };
}
