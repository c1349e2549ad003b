/** Events from a ring buffer: how many per second become JavaScript objects or columns, and none gets lost unseen. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import type { MapDeclaration, Module } from "../src/compiler/hir/tree.ts";
import { EventSource } from "../src/engine/events.ts";
import { type LoadedModule, loadModule } from "../src/engine/load.ts";
import { hooks } from "../src/language/kinds.ts";
import { type BenchOptions, type BenchResult, progress } from "./lib/benchmark.ts";
import { hirOf } from "./lib/loaded-typescript.ts";
import { pinTo } from "./lib/machine.ts";
import { decimals, grouped, table } from "./lib/markdown.ts";
import { benchFile } from "./lib/output.ts";
import { barChart } from "./lib/svg.ts";
import { DispatcherHold } from "./lib/timing.ts";

const READER_CPU = 0;
const PRODUCER_CPU = 1;
const GOAL_PER_SECOND = 1_000_000;
/** The ring of one page shows the counting, not the rate. */
const TINY_SECONDS = 5;

interface Sample {
  readonly sequence: bigint;
  readonly at: bigint;
  readonly length: number;
  readonly queue: number;
}

/** Reads until it is told to stop; tells how many it had and the highest sequence number. */
interface Reader {
  stop(): Promise<{ readonly received: number; readonly ordered: boolean }>;
}

interface Measured {
  readonly name: string;
  readonly seconds: number;
  readonly produced: number;
  readonly lost: number;
  readonly received: number;
  /** Sequence numbers only grew. */
  readonly ordered: boolean;
}

/** Each event becomes an object, as `for await (const event of fn.events)` gives them, in batches. */
function readObjects(source: EventSource<Sample>): Reader {
  const stream = source.stream();
  let [received, last, ordered] = [0, 0n, true];
  const take = (events: readonly Sample[]) => {
    for (const { sequence } of events) {
      ordered &&= sequence > last;
      last = sequence;
    }
    received += events.length;
  };
  const done = (async () => {
    for await (const batch of stream.batches()) take(batch);
  })();
  return {
    async stop() {
      const rest: Sample[] = [];
      stream.close();
      await done;
      source.ring.drain((view, offset, length) => rest.push(source.decode(view, offset, length)));
      take(rest);
      return { received, ordered };
    },
  };
}

const COLUMN_ROWS = 65536;

/** Each event becomes a row of typed arrays, which is what sums, histograms and files want. */
function readColumns(source: EventSource<Sample>): Reader {
  const sequences = new BigUint64Array(COLUMN_ROWS);
  const times = new BigUint64Array(COLUMN_ROWS);
  const lengths = new Uint32Array(COLUMN_ROWS);
  const queues = new Uint32Array(COLUMN_ROWS);
  let [rows, received, last, ordered] = [0, 0, 0n, true];
  const flush = () => {
    for (let row = 0; row < rows; row++) {
      ordered &&= sequences[row]! > last;
      last = sequences[row]!;
    }
    received += rows;
    rows = 0;
  };
  const visit = (view: DataView, offset: number) => {
    sequences[rows] = view.getBigUint64(offset, true);
    times[rows] = view.getBigUint64(offset + 8, true);
    lengths[rows] = view.getUint32(offset + 16, true);
    queues[rows] = view.getUint32(offset + 20, true);
    if (++rows === COLUMN_ROWS) flush();
  };
  const watch = source.ring.watch(visit);
  return {
    async stop() {
      watch.close();
      source.ring.drain(visit);
      flush();
      return { received, ordered };
    },
  };
}

export async function run(options: BenchOptions): Promise<BenchResult> {
  const module = await hirOf(benchFile("ring-buffer", "program.ts"));
  pinTo(READER_CPU, process.pid, { allThreads: true });
  const parts = [
    { name: "objects", program: "toLarge", map: "large", seconds: options.seconds, read: readObjects },
    { name: "columns", program: "toLarge", map: "large", seconds: options.seconds, read: readColumns },
    {
      name: "columns, ring of 4 KiB",
      program: "toTiny",
      map: "tiny",
      seconds: Math.min(options.seconds, TINY_SECONDS),
      read: readColumns,
    },
  ] as const;
  const measured: Measured[] = [];
  for (const part of parts) {
    progress(`${part.name}, ${part.seconds} s`);
    measured.push(await measure(module, part));
  }
  progress("");
  return report(measured);
}

interface Part {
  readonly name: string;
  readonly program: string;
  readonly map: string;
  readonly seconds: number;
  readonly read: (source: EventSource<Sample>) => Reader;
}

async function measure(module: Module, part: Part): Promise<Measured> {
  const program = module.programs.find(({ name }) => name === part.program)!;
  using loaded = loadModule(module, [{ program, hook: hooks.xdp }]);
  const { kernelProgram } = loaded.entries[0]!;
  using dispatcher = new DispatcherHold(1);
  dispatcher.hold([kernelProgram]);
  using source = new EventSource<Sample>(declarationOf(module, part.map), loaded.maps.get(part.map)!);
  const reader = part.read(source);
  const start = performance.now();
  const script = benchFile("ring-buffer", "producer.ts");
  const args = [script, String(kernelProgram.info().id), String(PRODUCER_CPU), String(part.seconds)];
  const producer = spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit"] });
  const [code] = await once(producer, "exit");
  if (code !== 0) throw new TypeError(`the producer ended with ${code}`);
  const { received, ordered } = await reader.stop();
  const seconds = (performance.now() - start) / 1000;
  return { name: part.name, seconds, received, ordered, ...countsOf(loaded) };
}

function declarationOf(module: Module, name: string): MapDeclaration {
  return module.maps.find((map) => map.name === name)!;
}

function countsOf({ maps }: LoadedModule): { produced: number; lost: number } {
  const map = maps.get("counts")!;
  const values = map.lookupPerCpu(new Uint8Array(4)) ?? [];
  const sum = (offset: number) =>
    values.reduce((total, value) => {
      const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
      return total + Number(view.getBigUint64(offset, true));
    }, 0);
  return { produced: sum(0), lost: sum(8) };
}

function report(measured: readonly Measured[]): BenchResult {
  const rate = ({ received, seconds }: Measured) => received / seconds;
  const agrees = ({ received, lost, produced }: Measured) => received + lost === produced;
  const markdown = table(
    [
      { title: "events become", of: ({ name }: Measured) => name },
      { title: "seconds", of: ({ seconds }) => decimals(seconds, 1) },
      { title: "per second", of: (row) => grouped(rate(row)) },
      { title: "produced", of: ({ produced }) => grouped(produced) },
      { title: "received", of: ({ received }) => grouped(received) },
      { title: "lost", of: ({ lost }) => grouped(lost) },
      { title: "received + lost = produced", of: (row) => (agrees(row) ? "yes" : "NO") },
      { title: "in order", of: ({ ordered }) => (ordered ? "yes" : "NO") },
    ],
    measured,
  );
  const missed = measured.flatMap((row) => [
    ...(agrees(row) ? [] : [`${row.name}: ${row.received} received and ${row.lost} lost of ${row.produced}`]),
    ...(row.ordered ? [] : [`${row.name}: events came out of order`]),
    ...(row.name.includes("4 KiB") || rate(row) >= GOAL_PER_SECOND
      ? []
      : [`${row.name}: ${grouped(rate(row))} per second, goal ${grouped(GOAL_PER_SECOND)}`]),
  ]);
  const bars = measured.map((row) => ({ label: row.name, value: rate(row) / 1e6 }));
  const title = "Million events of 32 bytes per second from kernel to JavaScript";
  return { markdown, plots: [{ name: "ring-buffer", svg: barChart({ title, bars }) }], data: measured, missed };
}
