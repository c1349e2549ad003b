/** Rules through match() against the same rules in an array map that clang-compiled code walks. */
import { setTimeout as sleep } from "node:timers/promises";
import { buildPacket } from "../src/capture/packet.ts";
import type { Module } from "../src/compiler/hir/tree.ts";
import { RunningFunction } from "../src/engine/running.ts";
import { supports } from "../src/kernel/features.ts";
import { VerifierError } from "../src/kernel/programs.ts";
import { VirtualNetwork } from "../src/kernel/virtual-network.ts";
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
import {
  type AccessRule,
  asSetting,
  fillRules,
  makeMixedRules,
  makeRules,
  nearMiss,
  packetFor,
  unmatchedPacket,
} from "./match-rules/rules.ts";

const SIZES = [10, 100, 1000, 10_000] as const;
const GOAL = { rules: 1000, times: 20 } as const;
/** Packets on which both sides must agree, spread over the list. */
const AGREED_PACKETS = 200;
const RUN_MILLISECONDS = 10;
const LOADS = 3;
const MIXED_PACKETS = 200;
const EDITS = 40;
const EDIT_PAUSE_MILLISECONDS = 40;

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
  readonly form: "code" | "data";
  /** From a list with one rule changed to the program that has it, in milliseconds. */
  readonly edits: readonly number[];
  /** Nanoseconds over packets that rules of a mixed list describe, as many sizes. */
  readonly mixed: number;
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
    const outcome = await measure(module, isa, size, options.pairs, dispatcher);
    measured.push(...outcome.measured);
    built.push(outcome.built);
  }
  progress("");
  return report(measured, built);
}

async function measure(module: Module, isa: Isa, size: number, pairs: number, dispatcher: DispatcherHold) {
  const rules = makeRules(size);
  const settings = { rules: asSetting(rules) };
  const loads = Array.from({ length: LOADS }, () => timeToLoad(module, isa, settings));
  using ours = loadTypeScript(module, isa, settings);
  using helperLoop = loadLoop(isa, rules, { HELPER_LOOP: 1 })!;
  using plainLoop = loadLoop(isa, rules, {});
  const all = [ours, helperLoop, ...(plainLoop ? [plainLoop] : [])];
  requireAgreement(all, rules);
  dispatcher.hold(all.map(({ program }) => program));
  const packets = [
    ["first rule", packetFor(rules[0]!)],
    ["rule in the middle", packetFor(rules[size >> 1]!)],
    ["no rule, near many", nearMiss(rules)],
    ["no rule", unmatchedPacket],
  ] as const;
  const measured = packets.map(([packet, description]): Measured => {
    const contenders = all.map(({ program }) => ({ program }));
    const timing = { packet: buildPacket(description), pairs, runMilliseconds: RUN_MILLISECONDS };
    const [a, b, c] = timeInterleaved(contenders, timing).series.map(median);
    return { rules: size, packet, ours: a!, helperLoop: b!, plainLoop: c };
  });
  const slots = ours.program.info().translatedSize / 8;
  const form = [...ours.maps.keys()].some((name) => name === "rules.data") ? ("data" as const) : ("code" as const);
  const mixed = timeMixed(module, isa, size, dispatcher);
  const built = { rules: size, slots, milliseconds: median(loads), form, edits: await timeEdits(module, rules), mixed };
  return { measured, built };
}

function timeToLoad(module: Module, isa: Isa, settings: object): number {
  const start = performance.now();
  using _loaded = loadTypeScript(module, isa, settings as NonNullable<Parameters<typeof loadTypeScript>[2]>);
  return performance.now() - start;
}

/** A list like those of real filters, and packets for rules from all over it: the mean over these. */
function timeMixed(module: Module, isa: Isa, size: number, dispatcher: DispatcherHold): number {
  const rules = makeMixedRules(size);
  using loaded = loadTypeScript(module, isa, { rules: asSetting(rules) });
  dispatcher.hold([loaded.program]);
  const times = Array.from({ length: MIXED_PACKETS }, (_, index) => {
    const packet = buildPacket(packetFor(rules[Math.floor((index * rules.length) / MIXED_PACKETS)]!));
    return timeInterleaved([{ program: loaded.program }], { packet, pairs: 1, runMilliseconds: 1 }).series[0]![0]!;
  });
  return times.reduce((sum, one) => sum + one, 0) / times.length;
}

/** One rule after the other is changed in an attached program. */
async function timeEdits(module: Module, rules: readonly AccessRule[]): Promise<number[]> {
  using network = new VirtualNetwork({
    wires: [
      [
        { host: "filter", device: "in0" },
        { host: "peer", device: "out0" },
      ],
    ],
  });
  const given = asSetting(rules);
  const others = asSetting(makeRules(EDITS, 2));
  using running = new RunningFunction(module, { settings: { rules: given } });
  running.attach("xdp:in0", { netns: network.host("filter").namespace });
  const times: number[] = [];
  for (const [index, other] of others.entries()) {
    // An edit comes when the one before is done, and a grace period has passed.
    await sleep(EDIT_PAUSE_MILLISECONDS);
    const start = performance.now();
    running.configure({ rules: given.with((index * 37) % given.length, other) });
    times.push(performance.now() - start);
  }
  return times;
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
      { title: "rules are", of: ({ form }) => form },
      { title: "HIR to loaded, ms", of: ({ milliseconds }) => decimals(milliseconds, 0) },
      { title: "one rule edited to live, ms (median)", of: ({ edits }) => decimals(median(edits), 1) },
      { title: "(slowest)", of: ({ edits }) => decimals(Math.max(...edits), 0) },
      { title: "mixed list, ns", of: ({ mixed }) => decimals(mixed, 1) },
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
    title: "Time for a packet that no rule accepts",
    xLabel: "rules",
    yLabel: "time per packet (ns)",
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
