/** How long a change of a running graph takes, and a whole graph from nothing. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { warmUpCompiles } from "../src/daemon/warm-up.ts";
import { FunctionCatalogue } from "../src/engine/catalogue/functions.ts";
import { parseGraph } from "../src/engine/graph/parse.ts";
import type { Graph } from "../src/engine/graph/types.ts";
import { SqliteStore } from "../src/engine/store/sqlite.ts";
import { Visor } from "../src/engine/visor/visor.ts";
import { VirtualNetwork } from "../src/kernel/virtual-network.ts";
import { kernelMemory } from "./graphs/memory.ts";
import { type BenchOptions, type BenchResult, progress } from "./lib/benchmark.ts";
import { decimals, table } from "./lib/markdown.ts";
import { benchFile } from "./lib/output.ts";
import { median, quantile } from "./lib/statistics.ts";
import { threadTime } from "./lib/timing.ts";

const edits = 40;
/** Left out: they find the compiler's own code as the start left it. */
const firstEdits = 10;
const pause = 60;
const goals = { edit: 20, whole: 3000 } as const;

interface Row {
  readonly what: string;
  readonly wall: readonly number[];
  readonly processor: readonly number[];
  readonly goal?: number;
}

/** Chains from many devices to one concentrator, and a chain from there to one device. */
interface Shape {
  readonly devices: number;
  /** Functions between a device and the concentrator. */
  readonly branch: number;
  /** Functions behind the concentrator. */
  readonly trunk: number;
}

const small: Shape = { devices: 15, branch: 1, trunk: 4 };
const large: Shape = { devices: 31, branch: 5, trunk: 44 };

export async function run(_options: BenchOptions): Promise<BenchResult> {
  const rows: Row[] = [];
  const folder = mkdtempSync(join(tmpdir(), "iov-bench-"));
  const memory: string[] = [];
  try {
    for (const [shape, edited] of [
      [small, ["hub", "trunk2"]],
      [large, ["hub"]],
    ] as const) {
      const count = instancesOf(shape);
      using network = devices(shape);
      await using store = await SqliteStore.open(join(folder, `${count}.db`));
      const functions = new FunctionCatalogue({});
      const name = `iovbench${process.pid}`;
      const before = kernelMemory();
      await using visor = await Visor.open({ name, store, functions, base: benchFile("graphs", "functions") });
      try {
        rows.push(await wholeGraph(visor, network, shape));
        memory.push(
          `${count} instances: ${megabytes(process.memoryUsage().rss)} of the process, ` +
            `${megabytes(kernelMemory() - before)} of the kernel (programs and maps)`,
        );
        for (const instance of edited) rows.push(await changes(visor, network, shape, instance));
        for (let compile = 0; compile < warmUpCompiles; compile++) visor.running.rehearse();
        for (const instance of edited) rows.push(await changes(visor, network, shape, instance, "warm"));
      } finally {
        await visor.teardown();
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  progress("");
  return report(rows, memory);
}

function instancesOf({ devices, branch, trunk }: Shape): number {
  return devices * branch + 1 + trunk;
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MiB`;
}

function devices({ devices }: Shape): VirtualNetwork {
  const wires = Array.from(
    { length: devices + 1 },
    (_, index) =>
      [
        { host: "target", device: `d${index}` },
        { host: "others", device: `o${index}` },
      ] as const,
  );
  return new VirtualNetwork({ wires, prefix: `iov${process.pid}c` });
}

async function graphOf(
  network: VirtualNetwork,
  { devices, branch, trunk }: Shape,
  settings: Readonly<Record<string, object>> = {},
): Promise<Graph> {
  const chain = (prefix: string, length: number, from: string, to: string) => {
    const names = Array.from({ length }, (_, index) => `${prefix}${index + 1}`);
    const ends = [from, ...names.flatMap((name) => [`${name}.left`, `${name}.right`]), to];
    return { names, links: Array.from({ length: length + 1 }, (_, at) => `${ends[2 * at]} -> ${ends[2 * at + 1]}`) };
  };
  const parts = Array.from({ length: devices }, (_, at) =>
    chain(`b${at + 1}x`, branch, `dev:d${at + 1}`, `hub.p${at + 1}`),
  );
  const all = [...parts, chain("trunk", trunk, "hub.p0", "dev:d0")];
  const counters = all.flatMap(({ names }) => names.map((name) => [name, { kind: "./counter" }] as const));
  const hubPorts = Object.fromEntries(Array.from({ length: devices + 1 }, (_, at) => [`p${at}`, {}]));
  const functions: Record<string, object> = {
    hub: { kind: "./concentrator", ports: hubPorts },
    ...Object.fromEntries(counters),
  };
  for (const [name, config] of Object.entries(settings)) functions[name] = { ...functions[name], config };
  const netns = network.host("target").namespace.name!;
  const named = Array.from({ length: devices + 1 }, (_, at) => [`d${at}`, { name: `d${at}`, netns, hook: "xdp" }]);
  return await parseGraph({
    functions,
    devices: Object.fromEntries(named),
    links: all.flatMap(({ links }) => links),
  });
}

/** A graph from nothing; time for the hooks themselves is measured with a graph that has them all and one function. */
async function wholeGraph(visor: Visor, network: VirtualNetwork, shape: Shape): Promise<Row> {
  const count = instancesOf(shape);
  progress(`a graph of ${count} instances`);
  const hooks = await graphOf(network, { ...shape, branch: 0, trunk: 0 });
  await visor.apply(hooks);
  const graph = await graphOf(network, shape);
  const { wall, processor } = await timed(() => visor.apply(graph));
  return {
    what: `${count} instances, ${shape.devices + 1} attachments, from nothing but the hooks`,
    wall: [wall],
    processor: [processor],
    ...(count >= 200 ? { goal: goals.whole } : {}),
  };
}

async function changes(
  visor: Visor,
  network: VirtualNetwork,
  shape: Shape,
  instance: string,
  compiler: "cold" | "warm" = "cold",
): Promise<Row> {
  const wall: number[] = [];
  const processor: number[] = [];
  for (let edit = -firstEdits; edit < edits; edit++) {
    progress(`edit ${edit} of ${instance}`);
    const setting = instance === "hub" ? "least" : "weight";
    const graph = await graphOf(network, shape, { [instance]: { [setting]: 1 + ((edit + firstEdits) % 8) } });
    // People and programs that edit do so one after the other.
    visor.running.settle();
    await new Promise((resolve) => setTimeout(resolve, pause));
    const one = await timed(() => visor.apply(graph));
    if (edit < 0) continue;
    wall.push(one.wall);
    processor.push(one.processor);
  }
  const count = instancesOf(shape);
  const what = `one setting of ${instance}, ${count} instances, compiler ${compiler}`;
  return { what, wall, processor, ...(count <= 20 && compiler === "warm" ? { goal: goals.edit } : {}) };
}

async function timed(work: () => Promise<unknown>): Promise<{ readonly wall: number; readonly processor: number }> {
  const [start, began] = [performance.now(), threadTime()];
  await work();
  return { wall: performance.now() - start, processor: (threadTime() - began) / 1e6 };
}

function report(rows: readonly Row[], memory: readonly string[]): BenchResult {
  const markdown = table(
    [
      { title: "applied", of: ({ what }: Row) => what },
      { title: "times", of: ({ wall }) => wall.length },
      { title: "median ms", of: ({ wall }) => decimals(median(wall), 1) },
      { title: "95% ms", of: ({ wall }) => decimals(quantile(wall, 0.95), 1) },
      { title: "of this thread", of: ({ processor }) => decimals(median(processor), 1) },
      { title: "goal", of: ({ goal }) => goal },
    ],
    rows,
  );
  const load = readFileSync("/proc/loadavg", "utf8").split(" ")[0];
  const missed = rows
    .filter(({ wall, goal }) => goal !== undefined && median(wall) > goal)
    .map(({ what, wall, goal }) => `${what}: ${median(wall).toFixed(1)} ms, goal ${goal} (load average ${load})`);
  const note =
    `"cold": changes ${firstEdits + 1} to ${firstEdits + edits} of a process. "warm": the live pipelines were ` +
    `compiled ${warmUpCompiles} times before, as the daemon does in idle time after its start.`;
  return { markdown: [markdown, note, ...memory].join("\n\n"), plots: [], data: { rows, memory }, missed };
}
