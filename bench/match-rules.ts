/** Rules as code through match() against the same rules in an array map that clang-compiled code walks. */
import { buildPacket } from "../src/capture/packet.ts";
import type { Module } from "../src/compiler/hir/tree.ts";
import { supports } from "../src/kernel/features.ts";
import { VerifierError } from "../src/kernel/programs.ts";
import { type BenchOptions, type BenchResult, progress } from "./lib/benchmark.ts";
import { compileC, type Isa } from "./lib/clang.ts";
import { type LoadedProgram, loadObject } from "./lib/loaded.ts";
import { hirOf, loadTypeScript } from "./lib/loaded-typescript.ts";
import { pinTo } from "./lib/machine.ts";
import { decimals, grouped, table } from "./lib/markdown.ts";
import { benchFile } from "./lib/output.ts";
import { median } from "./lib/statistics.ts";
import { linePlot } from "./lib/svg.ts";
import { DispatcherHold, timeInterleaved } from "./lib/timing.ts";
import { type AccessRule, asSetting, fillRules, makeRules, packetFor, unmatchedPacket } from "./match-rules/rules.ts";

const SIZES = [10, 100, 1000, 10_000] as const;
const GOAL = { rules: 1000, times: 20 } as const;
/** Packets on which both sides must agree, spread over the list. */
const AGREED_PACKETS = 200;
const RUN_MILLISECONDS = 10;

interface Measured {
  readonly rules: number;
  readonly packet: string;
  readonly ours: number;
  /** A plain bounded loop; absent where the verifier refuses it. */
  readonly plainLoop: number | undefined;
  /** The same through bpf_loop. */
  readonly helperLoop: number;
}

interface Built {
  readonly rules: number;
  readonly slots: number;
  /** From HIR and rules to a loaded program, in milliseconds. */
  readonly milliseconds: number;
}

export async function run(options: BenchOptions): Promise<BenchResult> {
  const isa: Isa = options.isa ?? (supports("isa-v4") ? "v4" : "v3");
  pinTo(1);
  const module = await hirOf(benchFile("match-rules", "program.ts"));
  const measured: Measured[] = [];
  const built: Built[] = [];
  using dispatcher = new DispatcherHold(3);
  for (const size of SIZES) {
    progress(`${size} rules`);
    const outcome = measure(module, isa, size, options.pairs, dispatcher);
    measured.push(...outcome.measured);
    built.push(outcome.built);
  }
  progress("");
  return report(measured, built);
}

function measure(module: Module, isa: Isa, size: number, pairs: number, dispatcher: DispatcherHold) {
  const rules = makeRules(size);
  const settings = { rules: asSetting(rules) };
  const start = performance.now();
  using ours = loadTypeScript(module, isa, settings);
  const milliseconds = performance.now() - start;
  using helperLoop = loadLoop(isa, rules, { HELPER_LOOP: 1 })!;
  using plainLoop = loadLoop(isa, rules, {});
  const all = [ours, helperLoop, ...(plainLoop ? [plainLoop] : [])];
  requireAgreement(all, rules);
  dispatcher.hold(all.map(({ program }) => program));
  const packets = [
    ["first rule", packetFor(rules[0]!)],
    ["rule in the middle", packetFor(rules[size >> 1]!)],
    ["no rule", unmatchedPacket],
  ] as const;
  const measured = packets.map(([packet, description]): Measured => {
    const contenders = all.map(({ program }) => ({ program }));
    const timing = { packet: buildPacket(description), pairs, runMilliseconds: RUN_MILLISECONDS };
    const [a, b, c] = timeInterleaved(contenders, timing).series.map(median);
    return { rules: size, packet, ours: a!, helperLoop: b!, plainLoop: c };
  });
  const slots = ours.program.info().translatedSize / 8;
  return { measured, built: { rules: size, slots, milliseconds } };
}

/** The C program with these rules in its map; undefined where the verifier finds the loop too long. */
function loadLoop(isa: Isa, rules: readonly AccessRule[], defines: Record<string, number>): LoadedProgram | undefined {
  const path = benchFile("match-rules", "program.c");
  const { bytes } = compileC(path, { isa, defines: { RULES: rules.length, ...defines } });
  try {
    const loaded = loadObject(bytes);
    fillRules(loaded.maps, rules);
    return loaded;
  } catch (error) {
    if (error instanceof VerifierError) return undefined;
    throw error;
  }
}

function requireAgreement(all: readonly LoadedProgram[], rules: readonly AccessRule[]): void {
  const step = Math.max(1, Math.floor(rules.length / AGREED_PACKETS));
  const described = rules.filter((_, index) => index % step === 0).map(packetFor);
  for (const description of [...described, unmatchedPacket]) {
    const packet = buildPacket(description);
    const verdicts = all.map(({ program }) => program.testRun({ packet }).returnValue);
    if (new Set(verdicts).size > 1) throw new TypeError(`${description}: verdicts ${verdicts.join(", ")}`);
  }
  const counts = all.map(({ maps }) => [...maps.get("hits")!].map(([, value]) => Buffer.from(value).toString("hex")));
  const unlike = counts[0]!.findIndex((count, rule) => counts.some((each) => each[rule] !== count));
  if (unlike >= 0) throw new TypeError(`rule ${unlike} was hit ${counts.map((each) => each[unlike]).join(", ")} times`);
}

function rivalOf({ plainLoop, helperLoop }: Measured): number {
  return Math.min(plainLoop ?? helperLoop, helperLoop);
}

function report(measured: readonly Measured[], built: readonly Built[]): BenchResult {
  const times = table(
    [
      { title: "rules, packet", of: ({ rules, packet }: Measured) => `${grouped(rules)}, ${packet}` },
      { title: "match() ns", of: ({ ours }) => decimals(ours, 1) },
      { title: "clang, for loop ns", of: ({ plainLoop }) => decimals(plainLoop, 1) || "refused" },
      { title: "clang, bpf_loop ns", of: ({ helperLoop }) => decimals(helperLoop, 1) },
      { title: "times faster", of: (row) => decimals(rivalOf(row) / row.ours, 1) },
    ],
    measured,
  );
  const sizes = table(
    [
      { title: "rules", of: ({ rules }: Built) => grouped(rules) },
      { title: "xlated instructions", of: ({ slots }) => grouped(slots) },
      { title: "HIR to loaded, ms", of: ({ milliseconds }) => decimals(milliseconds, 0) },
    ],
    built,
  );
  const unmatched = measured.filter(({ packet }) => packet === "no rule");
  const decisive = unmatched.find(({ rules }) => rules === GOAL.rules)!;
  const factor = rivalOf(decisive) / decisive.ours;
  const result = `**${factor.toFixed(1)} times** faster (goal ${GOAL.times})`;
  const verdict = `A packet that no rule of ${grouped(GOAL.rules)} accepts: ${result}.`;
  const line = (label: string, of: (row: Measured) => number) => ({
    label,
    points: unmatched.map((row) => [row.rules, of(row)] as const),
  });
  const svg = linePlot({
    title: "Nanoseconds for a packet that no rule accepts",
    xLabel: "rules",
    yLabel: "ns",
    series: [line("loop over a map", rivalOf), line("match()", ({ ours }) => ours)],
  });
  return {
    markdown: [times, sizes, verdict].join("\n\n"),
    plots: [{ name: "match-rules", svg }],
    data: { measured, built },
    missed:
      factor >= GOAL.times ? [] : [`${factor.toFixed(1)} times faster with ${GOAL.rules} rules, goal ${GOAL.times}`],
  };
}
