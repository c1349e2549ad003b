/** Packet programs in TypeScript against the same programs in C: behaviour first, then time and size. */
import { buildPacket } from "../src/capture/packet.ts";
import type { Module } from "../src/compiler/hir/tree.ts";
import { supports } from "../src/kernel/features.ts";
import { reportCodeQuality } from "./code-quality/report.ts";
import { showCode } from "./code-quality/show.ts";
import { behaviourDifference } from "./lib/behaviour.ts";
import { type BenchOptions, type BenchResult, progress } from "./lib/benchmark.ts";
import { compileC, type Isa } from "./lib/clang.ts";
import { type LoadedProgram, loadObject } from "./lib/loaded.ts";
import { hirOf, loadTypeScript } from "./lib/loaded-typescript.ts";
import { pinTo } from "./lib/machine.ts";
import { benchFile } from "./lib/output.ts";
import { median } from "./lib/statistics.ts";
import { DispatcherHold, timeInterleaved } from "./lib/timing.ts";
import type { BenchProgram, PacketCase } from "./programs/case.ts";
import { benchPrograms } from "./programs/table.ts";

/**
 * How many pairs are run before both programs are loaded anew. Where the kernel puts machine code shifts the time of a
 * short program by up to a third (the same object against itself: 0.73 to 1.17), so each side gets many places.
 */
const PAIRS_PER_LAYOUT = 2;
const RUN_MILLISECONDS = 10;

/** Sizes of a program: as compiled (instructions), after the verifier's rewrites (slots), as machine code (bytes). */
export interface CodeSize {
  readonly instructions: number;
  readonly translated: number;
  readonly jited: number;
}

export interface CaseResult {
  readonly name: string;
  readonly verdict: number;
  /** Median nanoseconds per packet, with the test run's own part. */
  readonly ours: number;
  readonly clang: number;
  /** The logarithm of ours / clang: one number per layout, the median of its pairs. */
  readonly logRatios: readonly number[];
}

export interface ProgramResult {
  readonly name: string;
  readonly ours: CodeSize;
  readonly clang: CodeSize;
  readonly cases: readonly CaseResult[];
}

/** A program that could not be compared, and why. */
export interface Failure {
  readonly name: string;
  readonly reason: string;
}

const emptyProgram: BenchProgram = { name: "empty", cases: [{ name: "any", packet: "eth / ip / udp 1 > 2" }] };

/** How the two sides are made. */
interface Sides {
  readonly isa: Isa;
  readonly ours: (name: string) => Promise<() => LoadedProgram>;
  readonly clang: (name: string) => () => LoadedProgram;
}

function sidesOf(options: BenchOptions): Sides {
  const isa = options.isa ?? (supports("isa-v4") ? "v4" : "v3");
  const clang = (name: string) => {
    const { bytes } = compileC(benchFile("programs", name, "program.c"), { isa });
    return () => loadObject(bytes);
  };
  const ours = async (name: string) => {
    if (options.self) return clang(name);
    const module: Module = await hirOf(benchFile("programs", name, "program.ts"));
    return () => loadTypeScript(module, isa);
  };
  return { isa, ours, clang };
}

export async function run(options: BenchOptions): Promise<BenchResult> {
  const sides = sidesOf(options);
  if (options.show !== undefined) return showCode(options.show, sides.isa);
  pinTo(1);
  const wanted = benchPrograms.filter(({ name }) => options.only.length === 0 || options.only.includes(name));
  const results: ProgramResult[] = [];
  const failures: Failure[] = [];
  using dispatcher = new DispatcherHold(2);
  for (const program of [emptyProgram, ...wanted]) {
    progress(program.name);
    try {
      results.push(await compare(program, sides, options.pairs, dispatcher));
    } catch (error) {
      failures.push({ name: program.name, reason: error instanceof Error ? error.message : String(error) });
    }
  }
  progress("");
  const [floor, ...rest] = results;
  const name = options.self ? "code-quality-self" : "code-quality";
  return reportCodeQuality({ name, isa: sides.isa, pairs: options.pairs, floor, results: rest, failures });
}

async function compare(program: BenchProgram, sides: Sides, pairs: number, dispatcher: DispatcherHold) {
  const makers = [await sides.ours(program.name), sides.clang(program.name)] as const;
  const sizes = checkBehaviour(program, makers);
  const layouts = Math.ceil(pairs / PAIRS_PER_LAYOUT);
  const times = program.cases.map(() => ({ ours: [] as number[], clang: [] as number[], logRatios: [] as number[] }));
  for (let layout = 0; layout < layouts; layout++) {
    // The order of loading changes, since it decides which of the two the dispatcher tries first.
    const loadFirst = layout % 2;
    using first = makers[loadFirst]!();
    using second = makers[1 - loadFirst]!();
    const [ours, clang] = loadFirst === 0 ? [first, second] : [second, first];
    for (const each of [ours, clang]) program.fill?.(each.maps);
    dispatcher.hold([first.program, second.program]);
    for (const [index, one] of program.cases.entries()) {
      const [a, b] = timeCase(one, ours, clang, layout >> 1);
      times[index]!.ours.push(...a);
      times[index]!.clang.push(...b);
      times[index]!.logRatios.push(median(a.map((value, pair) => Math.log(value / b[pair]!))));
    }
  }
  const cases = program.cases.map(
    ({ name }, index): CaseResult => ({
      name,
      verdict: sizes.verdicts[index]!,
      ours: median(times[index]!.ours),
      clang: median(times[index]!.clang),
      logRatios: times[index]!.logRatios,
    }),
  );
  return { name: program.name, ours: sizes.ours, clang: sizes.clang, cases };
}

function timeCase(one: PacketCase, ours: LoadedProgram, clang: LoadedProgram, first: number) {
  const contenders = [ours, clang].map(({ program, maps }) => ({
    program,
    prepare: one.prepare && (() => one.prepare?.(maps)),
  }));
  const { series } = timeInterleaved(contenders, {
    packet: buildPacket(one.packet),
    pairs: PAIRS_PER_LAYOUT,
    runMilliseconds: RUN_MILLISECONDS,
    mostRepeats: one.mostRepeats,
    first,
  });
  return [series[0]!, series[1]!] as const;
}

function checkBehaviour(program: BenchProgram, [makeOurs, makeClang]: readonly (() => LoadedProgram)[]) {
  using ours = makeOurs!();
  using clang = makeClang!();
  const difference = behaviourDifference(program, ours, clang);
  if (difference !== undefined) throw new TypeError(`behaves unlike its twin in C: ${difference}`);
  const verdicts = program.cases.map((one) => {
    one.prepare?.(clang.maps);
    return clang.program.testRun({ packet: buildPacket(one.packet) }).returnValue;
  });
  return { ours: sizeOf(ours), clang: sizeOf(clang), verdicts };
}

function sizeOf({ program, instructions }: LoadedProgram): CodeSize {
  const { translatedSize, jitedSize } = program.info();
  return { instructions, translated: translatedSize / 8, jited: jitedSize };
}
