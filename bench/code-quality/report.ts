/** Tables and plot of the comparison with clang. */
import type { CaseResult, Failure, ProgramResult } from "../code-quality.ts";
import type { BenchResult } from "../lib/benchmark.ts";
import { decimals, table } from "../lib/markdown.ts";
import { bootstrap, type Estimate, geometricMean, mean, median } from "../lib/statistics.ts";
import { barChart } from "../lib/svg.ts";

export interface CodeQuality {
  /** Of the result files. */
  readonly name: string;
  readonly isa: string;
  readonly pairs: number;
  /** The empty program on both sides: what a test run costs by itself. */
  readonly floor: ProgramResult | undefined;
  readonly results: readonly ProgramResult[];
  readonly failures: readonly Failure[];
}

/** What the geometric mean's upper bound may reach, and from where a program is an outlier. */
const GOAL = 1.03;
const OUTLIER = 1.1;

/** The logarithm of a program's ratio in each layout: the mean over its packets, which share the layout. */
function byLayout({ cases }: ProgramResult): number[] {
  const layouts = cases[0]?.logRatios.length ?? 0;
  return Array.from({ length: layouts }, (_, layout) => mean(cases.map(({ logRatios }) => logRatios[layout]!)));
}

/** A program counts once, however many packets it is timed with. */
function overall(results: readonly ProgramResult[]): Estimate {
  return bootstrap(results.map(byLayout), (samples) => Math.exp(mean(samples.map(mean))));
}

function ratioOf(one: CaseResult): Estimate {
  return bootstrap([one.logRatios], ([sample]) => Math.exp(mean(sample!)));
}

function programRatio(result: ProgramResult): Estimate {
  return overall([result]);
}

/** What is left of a time without the test run's own part; at least a tenth of a nanosecond, for the ratio's sake. */
function net(time: number, floor: number): number {
  return Math.max(time - floor, 0.1);
}

export function reportCodeQuality(quality: CodeQuality): BenchResult {
  const { results, failures, floor } = quality;
  const floorTime = floor ? median(floor.cases.flatMap(({ ours, clang }) => [ours, clang])) : 0;
  const all = results.length > 0 ? overall(results) : undefined;
  const parts = [
    programTable(results),
    caseTable(results, floorTime),
    ...(all ? [summary(quality, all, floorTime)] : []),
    ...failures.map(({ name, reason }) => `Not compared: **${name}**: ${reason}`),
  ];
  const missed = [
    ...failures.map(({ name, reason }) => `${name}: ${reason}`),
    ...(all && all.high > GOAL ? [`geometric mean's upper bound ${all.high.toFixed(3)}, goal ${GOAL}`] : []),
  ];
  const bars = results.map((result) => ({ label: result.name, ...programRatio(result) }));
  const title = "Nanoseconds per packet, TypeScript / clang -O2 (90% interval); below 1 is faster than clang";
  return {
    name: quality.name,
    markdown: parts.join("\n\n"),
    plots: bars.length > 0 ? [{ name: quality.name, svg: barChart({ title, bars, reference: 1 }) }] : [],
    data: { ...quality, geometricMean: all, floorNanoseconds: floorTime },
    missed,
  };
}

function programTable(results: readonly ProgramResult[]): string {
  return table(
    [
      { title: "program", of: (result: ProgramResult) => result.name },
      { title: "ratio", of: (result) => decimals(programRatio(result).value, 3) },
      { title: "90% interval", of: (result) => interval(programRatio(result)) },
      { title: "instructions", of: ({ ours }) => ours.instructions },
      { title: "clang", of: ({ clang }) => clang.instructions },
      { title: "xlated", of: ({ ours }) => ours.translated },
      { title: "clang", of: ({ clang }) => clang.translated },
      { title: "jited bytes", of: ({ ours }) => ours.jited },
      { title: "clang", of: ({ clang }) => clang.jited },
    ],
    results,
  );
}

function caseTable(results: readonly ProgramResult[], floor: number): string {
  const rows = results.flatMap((result) => result.cases.map((one) => ({ program: result.name, one })));
  return table(
    [
      { title: "program, packet", of: ({ program, one }: (typeof rows)[number]) => `${program}, ${one.name}` },
      { title: "ns", of: ({ one }) => decimals(one.ours, 1) },
      { title: "clang ns", of: ({ one }) => decimals(one.clang, 1) },
      { title: "ratio", of: ({ one }) => decimals(ratioOf(one).value, 3) },
      { title: "90% interval", of: ({ one }) => interval(ratioOf(one)) },
      { title: "net ratio", of: ({ one }) => decimals(net(one.ours, floor) / net(one.clang, floor), 2) },
    ],
    rows,
  );
}

function interval({ low, high }: Estimate): string {
  return `${low.toFixed(3)}..${high.toFixed(3)}`;
}

function summary({ isa, pairs, results }: CodeQuality, all: Estimate, floor: number): string {
  const instructions = geometricMean(results.map(({ ours, clang }) => ours.instructions / clang.instructions));
  const jited = geometricMean(results.map(({ ours, clang }) => ours.jited / clang.jited));
  const outliers = results.filter((result) => programRatio(result).value > OUTLIER).map(({ name }) => name);
  return [
    `Geometric mean over ${results.length} programs (ISA ${isa}, ${pairs} pairs per packet):`,
    `**${all.value.toFixed(3)}**, upper 95% bound **${all.high.toFixed(3)}** (goal ${GOAL});`,
    `instructions ${instructions.toFixed(3)}, machine code ${jited.toFixed(3)} of clang's.`,
    `The test run itself takes ${floor.toFixed(1)} ns, which is part of all times; "net" is without it.`,
    outliers.length > 0 ? `Above ${OUTLIER}: ${outliers.join(", ")} (\`--show NAME\` shows both codes).` : "",
  ].join(" ");
}
