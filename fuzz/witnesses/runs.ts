import type { Module, Program } from "../../src/compiler/hir/tree.ts";
import type { PreparedModule } from "../../src/engine/prepare.ts";
import { IovisorError } from "../../src/errors.ts";
import type { KernelProgram, TestRunResult } from "../../src/kernel/programs.ts";
import type { HookName } from "../../src/language/kinds.ts";
import type { Random } from "../random.ts";
import { randomPacket } from "./inputs.ts";
import { interpretRun, type RunInput } from "./interpreter.ts";
import type { KernelMaps } from "./kernel-maps.ts";
import { difference, hex, type Observation } from "./observation.ts";
import { type Failure, failed, type Tally, thrown } from "./outcome.ts";
import { randomPresets } from "./presets.ts";

/** A run, and what the interpreter says of it. */
export interface ExpectedRun {
  readonly input: RunInput;
  readonly expected: Observation;
}

/** The runs of a program with which a witness is compared. */
export interface Comparison {
  readonly module: Module;
  readonly runs: readonly ExpectedRun[];
  readonly where: { readonly configuration: string; readonly hook: HookName };
}

/** Runs with random packets and maps; none for programs that are no packet functions. */
export function expectedRuns(
  { module, settings }: PreparedModule,
  program: Program,
  options: { readonly hook: HookName; readonly random: Random; readonly packets: number },
): readonly ExpectedRun[] | Failure {
  const { hook, random } = options;
  const runs: ExpectedRun[] = [];
  if (program.kind !== "packet") return runs;
  for (let count = options.packets; count > 0; count--) {
    const input = { hook, packet: randomPacket(random), presets: randomPresets(module, random) };
    try {
      runs.push({ input, expected: interpretRun(module, program, settings, input) });
    } catch (cause) {
      return thrown("interpreter", cause, { hook });
    }
  }
  return runs;
}

/** Compares each run with what was expected; a witness may give alternatives, one for each processor. */
export function compareRuns(
  witness: "machine" | "kernel",
  { module, runs, where }: Comparison,
  run: (one: ExpectedRun) => readonly Observation[] | undefined,
): Failure | undefined {
  for (const one of runs) {
    let seen: readonly Observation[] | undefined;
    try {
      seen = run(one);
    } catch (cause) {
      return thrown(`${witness} run`, cause, where);
    }
    if (!seen) continue;
    const names = ["interpreter", witness] as const;
    const differences = seen.map((observation) => difference(module.maps, one.expected, observation, names));
    if (differences.includes(undefined)) continue;
    const presets = one.input.presets.map((preset, index) => {
      const name = module.maps[index]!.name;
      const entries = preset.entries.map(([key, value]) => `${hex(key)}=${hex(value)}`);
      return `${name}: ${[...entries, ...preset.elements.map(hex)].join(" ")}`;
    });
    const details = [differences[0], `packet before: ${hex(one.input.packet)}`, ...presets].join("\n");
    return failed(`difference: interpreter and ${witness}`, details, where);
  }
  return undefined;
}

/** The same for a loaded program, with maps that it was loaded with. */
export function compareInKernel(
  comparison: Comparison,
  { program, maps, tally }: { program: KernelProgram; maps: KernelMaps; tally: Pick<Tally, "runs" | "skipped"> },
): Failure | undefined {
  const { hook } = comparison.where;
  return compareRuns("kernel", comparison, ({ input }) => {
    maps.reset(input.presets);
    const result = runOnce(program, input.packet);
    if (!result) {
      tally.skipped++;
      return undefined;
    }
    tally.runs++;
    const verdict = String(hook === "xdp" ? result.returnValue : result.returnValue | 0);
    const packet = hex(result.packet);
    return maps.observe().map((contents) => ({ verdict, packet, maps: contents }));
  });
}

/** Undefined for packets that a test run does not take: at tc, IP ones whose header is cut off (net/bpf/test_run.c). */
function runOnce(program: KernelProgram, packet: Uint8Array): TestRunResult | undefined {
  try {
    return program.testRun({ packet });
  } catch (cause) {
    if (cause instanceof IovisorError && cause.code === "E_USAGE" && packet.length < 54) return undefined;
    throw cause;
  }
}
