/** Chains of functions, fused to one program or joined by tail calls. */
import { exit, movImm } from "../src/bytecode/build.ts";
import { buildPacket } from "../src/capture/packet.ts";
import type { Module } from "../src/compiler/hir/tree.ts";
import { type LoadedChain, loadChain } from "../src/engine/chain.ts";
import { KernelProgram } from "../src/kernel/programs.ts";
import { hooks } from "../src/language/kinds.ts";
import { type BenchOptions, type BenchResult, progress } from "./lib/benchmark.ts";
import { hirOf } from "./lib/loaded-typescript.ts";
import { pinTo } from "./lib/machine.ts";
import { decimals, grouped, table } from "./lib/markdown.ts";
import { benchFile } from "./lib/output.ts";
import { median } from "./lib/statistics.ts";
import { linePlot } from "./lib/svg.ts";
import { DispatcherHold, timeInterleaved } from "./lib/timing.ts";

const LENGTHS = [1, 2, 5, 8, 32] as const;
const PROGRAMS = ["count", "classify", "mark"] as const;
/** How much faster than linear the verifier's work may grow. */
const GROWTH_GOAL = 1.5;
const DECISIVE = { length: 5, ratio: 0.7 } as const;
const PAIRS_PER_LAYOUT = 2;
const XDP_PASS = 2;
const packet = buildPacket("eth / ip 10.0.0.1 > 10.0.0.2 / udp 1 > 2 / payload 40");

interface Measured {
  readonly program: string;
  readonly length: number;
  /** Programs that the fused chain was cut into. */
  readonly pieces: number;
  readonly processed: number;
  readonly slots: number;
  readonly fused: number;
  readonly tailCalls: number;
  /** Of the empty program: the test run itself. */
  readonly floor: number;
}

export async function run(options: BenchOptions): Promise<BenchResult> {
  const module = await hirOf(benchFile("fusion", "program.ts"));
  pinTo(1);
  using dispatcher = new DispatcherHold(3);
  const measured: Measured[] = [];
  for (const program of PROGRAMS) {
    for (const length of LENGTHS) {
      progress(`${length} times ${program}`);
      measured.push(measure(module, program, length, options.pairs, dispatcher));
    }
  }
  progress("");
  return report(measured);
}

function measure(module: Module, program: string, length: number, pairs: number, dispatcher: DispatcherHold): Measured {
  const parts = Array.from({ length }, (_, index) => ({ name: `f${index}`, module, program }));
  const series: number[][] = [[], [], []];
  let shape: Pick<Measured, "pieces" | "processed" | "slots"> | undefined;
  for (let layout = 0; layout < Math.ceil(pairs / PAIRS_PER_LAYOUT); layout++) {
    using fused = loadChain(parts, hooks.xdp);
    using tailCalls = loadChain(parts, hooks.xdp, { cutEverywhere: true });
    using empty = loadEmpty();
    shape ??= shapeOf(fused);
    const programs = [fused.entry, tailCalls.entry, empty];
    dispatcher.hold(layout % 2 ? programs.toReversed() : programs);
    const contenders = programs.map((one) => ({ program: one }));
    const timed = timeInterleaved(contenders, { packet, pairs: PAIRS_PER_LAYOUT, runMilliseconds: 5, first: layout });
    for (const [index, values] of timed.series.entries()) series[index]!.push(...values);
  }
  const [fused, tailCalls, floor] = series.map(median);
  return { program, length, ...shape!, fused: fused!, tailCalls: tailCalls!, floor: floor! };
}

function loadEmpty(): KernelProgram {
  const instructions = [movImm(0, XDP_PASS), exit()];
  // The kernel replaces an XDP program only by one of the same expected attach type.
  const spec = { name: "empty", type: "xdp", expectedAttachType: "xdp", instructions, license: "GPL" } as const;
  return KernelProgram.load(spec);
}

function shapeOf(chain: LoadedChain): Pick<Measured, "pieces" | "processed" | "slots"> {
  const slots = chain.programs.reduce((sum, { program }) => sum + program.info().translatedSize / 8, 0);
  return { pieces: chain.programs.length, processed: chain.processedInstructions, slots };
}

/** Without the test run's own part. */
function netRatio({ fused, tailCalls, floor }: Measured): number {
  return (fused - floor) / (tailCalls - floor);
}

function report(measured: readonly Measured[]): BenchResult {
  const single = (row: Measured) => measured.find(({ program, length }) => program === row.program && length === 1)!;
  const growth = (row: Measured) => row.processed / (row.length * single(row).processed);
  const markdown = table(
    [
      { title: "chain", of: ({ program, length }: Measured) => `${length} x ${program}` },
      { title: "pieces", of: ({ pieces }) => pieces },
      { title: "processed", of: ({ processed }) => grouped(processed) },
      { title: "of linear", of: (row) => decimals(growth(row), 2) },
      { title: "xlated", of: ({ slots }) => grouped(slots) },
      { title: "fused ns", of: ({ fused }) => decimals(fused, 1) },
      { title: "tail calls ns", of: ({ tailCalls }) => decimals(tailCalls, 1) },
      { title: "net ratio", of: (row) => decimals(netRatio(row), 2) },
    ],
    measured,
  );
  const decisive = measured.find(({ program, length }) => program === "classify" && length === DECISIVE.length)!;
  const ratio = netRatio(decisive);
  const reasons =
    "What fusion saves: the tail calls (a bounds check, a load and an indirect jump each), the parsing from the " +
    "second function on, and repeated bounds checks. What it cannot save: the look-ups. `classify` looks up in an " +
    "array, a few instructions in line; `mark` calls the hash map's helper and hashes, which outweighs the rest.";
  const verdict =
    `A chain of ${DECISIVE.length} that parse, look up and count costs **${ratio.toFixed(2)}** of the same chain by ` +
    `tail calls, net of the test run (aim ${DECISIVE.ratio}).`;
  const tooMuch = measured.filter((row) => growth(row) > GROWTH_GOAL);
  const line = (label: string, of: (row: Measured) => number) => ({
    label,
    points: measured.filter(({ program }) => program === "classify").map((row) => [row.length, of(row)] as const),
  });
  const svg = linePlot({
    title: "Time per packet through a chain that parses, looks up and counts",
    xLabel: "functions",
    yLabel: "time per packet (ns)",
    xScale: "linear",
    yScale: "linear",
    series: [line("tail calls", ({ tailCalls }) => tailCalls), line("fused", ({ fused }) => fused)],
  });
  return {
    markdown: [markdown, verdict, reasons].join("\n\n"),
    plots: [{ name: "fusion", svg }],
    data: measured,
    missed: [
      ...tooMuch.map(
        (row) => `${row.length} x ${row.program}: processed instructions ${growth(row).toFixed(2)} of linear`,
      ),
      ...(ratio <= DECISIVE.ratio ? [] : [`net ratio ${ratio.toFixed(2)}, aim ${DECISIVE.ratio}`]),
    ],
  };
}
