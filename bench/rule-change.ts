/** How long one rule of many takes to change in a running graph: through `Visor.apply`, with the store on the disk. */
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { FunctionCatalogue } from "../src/engine/catalogue/functions.ts";
import { parseGraph } from "../src/engine/graph/parse.ts";
import type { JsonObject } from "../src/engine/graph/types.ts";
import { SqliteStore } from "../src/engine/store/sqlite.ts";
import { Visor } from "../src/engine/visor/visor.ts";
import { VirtualNetwork } from "../src/kernel/virtual-network.ts";
import { TimedStore } from "./graphs/timed-store.ts";
import { type BenchOptions, type BenchResult, progress } from "./lib/benchmark.ts";
import { type Column, decimals, table } from "./lib/markdown.ts";
import { median, quantile } from "./lib/statistics.ts";

const changes = 60;
/** The first ones find the engine's own code cold, as a daemon does only once. */
const warmUp = 15;
const fullChanges = 10;
/** Between two changes: the room of the rules before must be free again (a grace period). */
const pause = 60;
/** Of the median for 1,000 rules, in milliseconds. */
const goal = 15;

interface Sample {
  /** From the graph as an object to the store that packets see. */
  readonly live: number;
  /** Until the revision is recorded as committed. */
  readonly recorded: number;
  readonly processor: number;
}

interface Row {
  readonly what: string;
  readonly rules: number;
  readonly samples: readonly Sample[];
  readonly goal?: number;
}

/** Rules with networks, protocols and ports, as people have them. */
function ruleAt(index: number): JsonObject {
  return {
    action: index % 3 === 0 ? "drop" : "accept",
    source: `10.${index % 250}.${(index >> 4) & 255}.0/24`,
    destination: index % 4 === 0 ? "0.0.0.0/0" : `172.${index % 200}.0.0/16`,
    protocol: index % 2 === 0 ? "udp" : "tcp",
    destinationPort: 1000 + (index % 500),
  };
}

export async function run(_options: BenchOptions): Promise<BenchResult> {
  const end = (host: string, device: string) => ({ host, device });
  using network = new VirtualNetwork({
    wires: [
      [end("a", "eth0"), end("middle", "lan1")],
      [end("b", "eth0"), end("middle", "lan2")],
    ],
    prefix: `iov${process.pid}`,
  });
  const rows: Row[] = [];
  for (const [rules, wanted] of [
    [1000, goal],
    [10_000, undefined],
  ] as const)
    rows.push(...(await measure(network, rules, wanted)));
  progress("");
  return report(rows);
}

async function measure(network: VirtualNetwork, count: number, wanted: number | undefined): Promise<readonly Row[]> {
  // The store is where a daemon's would be, on a disk: the folder for temporary files may be memory.
  const folder = mkdtempSync(join(import.meta.dirname, "..", "rule-change-"));
  try {
    await using sqlite = await SqliteStore.open(join(folder, "state.db"));
    const store = new TimedStore(sqlite);
    const functions = new FunctionCatalogue({ acl: new URL("../src/functions/acl", import.meta.url) });
    const name = `iovbench${process.pid}`;
    await using visor = await Visor.open({ name, store, functions, base: folder });
    try {
      return await new Changes(visor, store, network, count).rows(wanted);
    } finally {
      await visor.teardown();
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

class Changes {
  readonly #visor: Visor;
  readonly #store: TimedStore;
  readonly #netns: string;
  readonly #rules: readonly JsonObject[];

  constructor(visor: Visor, store: TimedStore, network: VirtualNetwork, count: number) {
    this.#visor = visor;
    this.#store = store;
    this.#netns = network.host("middle").namespace.name!;
    this.#rules = Array.from({ length: count }, (_, index) => ruleAt(index));
  }

  async rows(wanted: number | undefined): Promise<readonly Row[]> {
    const rules = this.#rules;
    const count = rules.length;
    await this.#apply(rules);
    const port = (change: number) =>
      rules.with((change * 37) % count, { ...ruleAt(0), destinationPort: 20_000 + change });
    const one = await this.#series("one rule is another", changes, port);
    const put = await this.#series("one rule more, in the middle", fullChanges, (change) =>
      rules.toSpliced(count >> 1, change % 2, ...(change % 2 === 0 ? [ruleAt(change)] : [])),
    );
    const full = await this.#series("another default: a new program", fullChanges, () => rules, true);
    return [{ ...one, ...(wanted === undefined ? {} : { goal: wanted }) }, put, full];
  }

  async #series(
    what: string,
    times: number,
    rulesOf: (change: number) => readonly JsonObject[],
    other = false,
  ): Promise<Row> {
    const samples: Sample[] = [];
    for (let change = 0; change < warmUp + times; change++) {
      progress(`${this.#rules.length} rules, ${what}: ${change}`);
      const defaults: JsonObject = other ? { ipv4: change % 2 === 0 ? "accept" : "drop" } : {};
      samples.push(await this.#apply(rulesOf(change), defaults));
      await sleep(pause);
      this.#visor.running.settle();
    }
    return { what, rules: this.#rules.length, samples: samples.slice(warmUp) };
  }

  /** The graph comes as a text, as from a request: nothing of it is known from before. */
  async #apply(rules: readonly JsonObject[], defaults: JsonObject = {}): Promise<Sample> {
    const device = (name: string) => ({ name, netns: this.#netns, hook: "tcx" });
    const text = JSON.stringify({
      functions: { fw: { kind: "acl", config: { rules, defaults } } },
      devices: { lan1: device("lan1"), lan2: device("lan2") },
      links: ["dev:lan1 -> fw.inside", "fw.outside -> dev:lan2"],
    });
    const graph = await parseGraph(JSON.parse(text) as object);
    this.#store.begun = [];
    const [start, before] = [performance.now(), process.cpuUsage()];
    await this.#visor.apply(graph);
    const recorded = performance.now() - start;
    const { user, system } = process.cpuUsage(before);
    return { live: this.#store.begun[1]! - start, recorded, processor: (user + system) / 1000 };
  }
}

function report(rows: readonly Row[]): BenchResult {
  const of = ({ samples }: Row, name: keyof Sample) => samples.map((sample) => sample[name]);
  const columns: readonly Column<Row>[] = [
    { title: "change", of: ({ what }) => what },
    { title: "rules", of: ({ rules }) => rules },
    { title: "live, median ms", of: (row) => decimals(median(of(row, "live")), 1) },
    { title: "live, 95 % ms", of: (row) => decimals(quantile(of(row, "live"), 0.95), 1) },
    { title: "recorded, median ms", of: (row) => decimals(median(of(row, "recorded")), 1) },
    { title: "processor, median ms", of: (row) => decimals(median(of(row, "processor")), 1) },
  ];
  const missed = rows.flatMap(({ what, rules, samples, goal: wanted }) => {
    const found = median(samples.map(({ live }) => live));
    if (wanted === undefined || found < wanted) return [];
    return [`${what} (${rules} rules): ${decimals(found, 1)} ms, the goal is ${wanted} ms`];
  });
  const markdown = [
    table(columns, rows),
    "",
    "From a graph as an object, all of whose parts are new, to the moment that packets meet it, through `Visor.apply`",
    "with the SQLite store on the disk: checked, compared, built, recorded, and one store into the kernel's memory.",
    "Recorded: until the revision is down as committed. Processor: of all threads.",
  ].join("\n");
  return { markdown, plots: [], data: rows, missed };
}
