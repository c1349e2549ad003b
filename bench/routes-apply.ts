/** How long tables of routes take to be live, and one route of them to be another, beside the kernel's own way. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { type BenchOptions, type BenchResult, progress } from "./lib/benchmark.ts";
import { type Column, decimals, grouped, table } from "./lib/markdown.ts";
import { benchFile } from "./lib/output.ts";
import { median } from "./lib/statistics.ts";
import { linePlot } from "./lib/svg.ts";
import type { Change, Measured } from "./routes-apply/measured.ts";

const counts = [1000, 10_000, 100_000, 1_000_000] as const;
const seed = 20_251_129;
/** Room for the largest table twice, as a graph that arrives and the one that is live. */
const heapMegabytes = 6000;
const mostMilliseconds = 300_000;

export async function run({ only }: BenchOptions): Promise<BenchResult> {
  const results: Measured[] = [];
  for (const count of counts.filter((one) => only.length === 0 || only.includes(String(one)))) {
    progress(`${count} routes`);
    results.push(await measure(count));
  }
  progress("");
  return report(results);
}

async function measure(count: number): Promise<Measured> {
  const args = [`--max-old-space-size=${heapMegabytes}`, benchFile("routes-apply", "size.ts"), `${count}`, `${seed}`];
  const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: mostMilliseconds });
  return JSON.parse(stdout) as Measured;
}

function liveOf(changes: readonly Change[]): number {
  return median(changes.map(({ live }) => live));
}

function mebibytes(bytes: number): string {
  return decimals(bytes / 2 ** 20, bytes < 2 ** 20 ? 2 : 0);
}

const columns: readonly Column<Measured>[] = [
  { title: "routes", of: ({ routes }) => grouped(routes) },
  { title: "first apply ms", of: ({ first }) => grouped(Math.round(first)) },
  { title: "ip -batch ms", of: ({ kernelFirst }) => grouped(Math.round(kernelFirst)) },
  { title: "ratio", of: ({ first, kernelFirst }) => decimals(first / kernelFirst, 1) },
  { title: "one route, edit ms", of: ({ edits }) => decimals(liveOf(edits), 1) },
  { title: "one route, apply ms", of: ({ applies }) => decimals(liveOf(applies), 1) },
  { title: "ip route replace ms", of: ({ kernelChanges }) => decimals(median(kernelChanges), 1) },
  { title: "list ms", of: ({ list }) => grouped(Math.round(list)) },
  {
    title: "process MiB (most)",
    of: ({ memory }) => `${mebibytes(memory.resident)} (${mebibytes(memory.mostResident)})`,
  },
  { title: "maps MiB", of: ({ memory }) => mebibytes(memory.maps) },
  { title: "kernel's trie MiB", of: ({ memory }) => mebibytes(memory.trie) },
];

function report(results: readonly Measured[]): BenchResult {
  const line = (label: string, of: (one: Measured) => number) => ({
    label,
    points: results.map((one) => [one.routes, of(one)] as const),
  });
  const svg = linePlot(
    {
      ...{ title: "Routes into the kernel", xLabel: "routes", yLabel: "time (ms)" },
      series: [
        line("first apply", ({ first }) => first),
        line("ip -batch", ({ kernelFirst }) => kernelFirst),
        line("one route: edit", ({ edits }) => liveOf(edits)),
        line("one route: apply", ({ applies }) => liveOf(applies)),
        line("ip route replace", ({ kernelChanges }) => median(kernelChanges)),
      ],
    },
    {
      ...{ title: "Ratio to the kernel's own way", xLabel: "routes", yLabel: "ratio (times)" },
      series: [
        line("first apply", ({ first, kernelFirst }) => first / kernelFirst),
        line("ip = 1", () => 1),
        line("one route: edit", ({ edits, kernelChanges }) => liveOf(edits) / median(kernelChanges)),
        line("one route: apply", ({ applies, kernelChanges }) => liveOf(applies) / median(kernelChanges)),
      ],
    },
  );
  const markdown = [
    table(columns, results),
    "",
    `Random IPv4 prefixes of usual lengths, seed ${seed}, each size in a process of its own, through \`Visor.apply\``,
    "with the SQLite store on the disk. First apply: of a router that had no routes, from the graph as an object to the",
    "revision that is recorded. One route: until packets meet it, median; an edit shares the other routes with the live",
    "graph, an apply gets a whole new one, already read. `ip` works on a namespace of its own; one `ip route replace`",
    "is a process. List: the table `routes` by pages. Memory: of the process after the first apply (and at most), of",
    "all maps of the data path, and what /proc/net/fib_triestat says.",
  ].join("\n");
  return { markdown, plots: [{ name: "routes-apply", svg }], data: results, missed: [] };
}
