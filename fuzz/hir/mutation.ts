import { compileModule } from "../../src/compiler/frontend/index.ts";
import { sizeOf } from "../../src/compiler/hir/layout.ts";
import { readModule, writeModule } from "../../src/compiler/hir/serialise.ts";
import type { Module } from "../../src/compiler/hir/tree.ts";
import { IovisorError } from "../../src/errors.ts";
import { generateModule } from "../generate/module.ts";
import type { FuzzOptions, Report } from "../job.ts";
import { Random } from "../random.ts";
import { checkPrepared, entryPath, prepareTree } from "../witnesses/check.ts";
import { configurationsFor, packetHooks } from "../witnesses/configurations.ts";
import { type Outcome, thrown } from "../witnesses/outcome.ts";
import { changedText } from "./change.ts";

/** So many files are made of one program. */
const changesPerProgram = 20;
/** Maps beyond it are right, and too large to be made here. */
const mostMapBytes = 16 * 2 ** 20;
/** A case that takes longer than this counts as a hang. */
const timeLimit = 20_000;

/** What a change could make visible although it is different in every run. */
const differsByRun = /\b(random|cpu|time\.\w+)\(\)|\.(queue|ingressIfindex)\b/;

interface Base {
  readonly text: string;
  readonly given: Readonly<Record<string, unknown>>;
}

let known: { readonly program: number; readonly base: Base } | undefined;

/** HIR of a generated program of that number, or the next one that compiles. */
function baseOf(seed: number, program: number): Base {
  if (known?.program === program) return known.base;
  for (let index = program; ; index += 1_000_000) {
    const { source, given, kind } = generateModule(seed, index);
    if (kind !== "packet" || differsByRun.test(source)) continue;
    const { module } = compileModule(entryPath, { overlay: new Map([[entryPath, source]]) });
    if (!module) continue;
    // The source's text is of no interest, and would take most of the file.
    const bare = { ...module, sources: module.sources.map(({ path }) => ({ path, text: "" })) };
    known = { program, base: { text: writeModule(bare), given } };
    return known.base;
  }
}

/** One changed HIR file: it is refused, or it behaves the same everywhere. */
export function checkMutation(options: FuzzOptions, index: number): Report {
  const start = performance.now();
  const { text, given } = baseOf(options.seed, Math.floor(index / changesPerProgram));
  const random = new Random(options.seed ^ 0x41a7, index);
  const outcome = outcomeOf(changedText(text, random), given, options, index, random);
  const milliseconds = performance.now() - start;
  const slow = milliseconds > timeLimit ? thrown("time", new Error(`took ${milliseconds.toFixed(0)} ms`)) : undefined;
  return { kind: "finished", index, outcome: slow ?? outcome, milliseconds, coverage: {} };
}

function outcomeOf(
  text: string,
  given: Readonly<Record<string, unknown>>,
  options: FuzzOptions,
  index: number,
  random: Random,
): Outcome {
  let module: Module;
  try {
    module = readModule(text);
  } catch (cause) {
    if (cause instanceof IovisorError && cause.code === "E_FORMAT") return refusal("E_FORMAT", cause);
    return thrown("reading", cause);
  }
  if (mapBytes(module) > mostMapBytes) return { kind: "refused", code: "large maps", message: "not made here" };
  if (module.maps.some(({ flags }) => (flags & forPrograms) !== 0))
    return { kind: "refused", code: "maps for programs alone", message: "not filled or looked at here" };
  if (module.programs.length === 0) return { kind: "refused", code: "no program", message: "nothing to compile" };
  const prepared = prepareTree(module, given);
  if ("kind" in prepared) return lenient(prepared);
  const only = { configuration: random.pick(configurationsFor(random)), hook: random.pick(packetHooks) };
  return lenient(checkPrepared(prepared, { seed: options.seed, index, packets: 2, kernel: options.kernel, only }));
}

/** BPF_F_RDONLY and BPF_F_WRONLY, include/uapi/linux/bpf.h: what the host may do with a map. */
const forPrograms = 0x18;

function mapBytes(module: Module): number {
  return module.maps.reduce((sum, { key, value, maxEntries, kind }) => {
    const size = kind === "ringBuffer" ? 1 : 64 + (key ? sizeOf(key) : 0) + (value ? sizeOf(value) : 0) * 4;
    return sum + size * maxEntries;
  }, 0);
}

/** A changed program may ask for what a kernel or a run cannot give, as long as it is told so. */
function lenient(outcome: Outcome): Outcome {
  if (outcome.kind !== "failed") return outcome;
  if (outcome.signature.startsWith("verifier:"))
    return { kind: "refused", code: "verifier", message: outcome.signature };
  const told = /^(checker|map creation|load|compile): (IovisorError|NotSupported)/.exec(outcome.signature);
  if (told) return { kind: "refused", code: told[1]!, message: outcome.signature };
  if (outcome.details.includes("steps")) return { kind: "refused", code: "too long", message: outcome.signature };
  return outcome;
}

function refusal(code: string, cause: IovisorError): Outcome {
  return { kind: "refused", code, message: cause.message };
}
