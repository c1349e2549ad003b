import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { CompiledProgram } from "../../compiler/compile.ts";
import { printModule } from "../../compiler/hir/print.ts";
import { printIr } from "../../compiler/ir/text.ts";
import { KernelProgram, type ProgramInfo } from "../../kernel/programs.ts";
import { runningAbilities } from "../abilities.ts";
import type { DataPath } from "../datapath/data-path.ts";
import { compilerHook } from "../datapath/load-composed.ts";
import { listCode } from "../listing.ts";
import { type CutReason, cutsOf, stagesOf } from "../pipeline/cut.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import { compilePrepared, prepareComposed } from "../prepare.ts";
import type { PlannedPipeline } from "../visor/pipelines.ts";
import type { Prepared } from "../visor/prepare.ts";
import type { DataPathRecord } from "../visor/record.ts";
import type { Visor } from "../visor/visor.ts";

/** A pipeline that is live. */
export interface PipelineReport {
  readonly key: string;
  readonly hook: PipelineHook;
  readonly functions: readonly string[];
  readonly cuts: readonly { readonly link: string; readonly why: CutReason }[];
  /** Its program was made with few paths, as the fast form was too much for the verifier. */
  readonly fewPaths?: true;
  /** Of its program in the kernel; undefined where it is not there any more. */
  readonly program: ProgramReport | undefined;
}

export type ProgramReport = Pick<ProgramInfo, "id" | "tag" | "verifiedInstructions" | "jitedSize"> & {
  /** After the verifier's rewrites. */
  readonly instructions: number;
  /** Counted while the machine's statistics of programs are on (kernel.bpf_stats_enabled). */
  readonly runs: bigint;
  readonly runNanoseconds: bigint;
};

export const pipelineForms = ["source", "ir", "bytecode"] as const;
export type PipelineForm = (typeof pipelineForms)[number];

const instructionBytes = 8;

/** What pipelines are reported of: a visor, or a prepared graph on a data path. */
export interface Reported {
  readonly prepared: Prepared | undefined;
  readonly running: { readonly dataPath: DataPath; readonly record: Pick<DataPathRecord, "pipelines"> };
}

export function listPipelines({ prepared, running }: Reported): readonly PipelineReport[] {
  if (!prepared) return heldPipelines(running);
  return prepared.pipelines.map((planned) => reportPipeline(prepared, running, planned));
}

/** Of a graph that could not be taken over: which functions are behind the first of a pipeline is not known. */
function heldPipelines({ dataPath, record }: Reported["running"]): readonly PipelineReport[] {
  return Object.entries(record.pipelines).map(([key, { hook, slot, fewPaths }]) => {
    const [, first = ""] = key.split(":");
    const program = reportProgram(dataPath, hook, slot);
    return { key, hook, functions: [first], cuts: [], ...(fewPaths ? { fewPaths } : {}), program };
  });
}

function reportPipeline(
  prepared: Prepared,
  { dataPath, record }: Reported["running"],
  planned: PlannedPipeline,
): PipelineReport {
  const { key, pipeline, slot } = planned;
  // A function that stands on several branches may end at the same link each time.
  const cuts = new Map(cutsOf(prepared.numbered.topology, pipeline.root).map((cut) => [cut.link, cut]));
  return {
    key,
    hook: pipeline.hook,
    functions: stagesOf(pipeline.root).map((stage) => stage.instance),
    cuts: [...cuts.values()],
    ...(record.pipelines[key]?.fewPaths ? { fewPaths: true } : {}),
    program: reportProgram(dataPath, pipeline.hook, slot),
  };
}

function reportProgram(dataPath: DataPath, hook: PipelineHook, slot: number): ProgramReport | undefined {
  const id = dataPath.slots(hook).programId(slot, dataPath.generation.parity);
  if (id === undefined) return undefined;
  using program = KernelProgram.fromId(id);
  const { tag, verifiedInstructions, jitedSize, translatedSize, runCount, runTime } = program.info();
  const instructions = translatedSize / instructionBytes;
  return { id, tag, instructions, verifiedInstructions, jitedSize, runs: runCount, runNanoseconds: runTime };
}

/** A pipeline as text: what its functions are written in, or what became of it. Undefined when there is none. */
export function pipelineText(visor: Visor, key: string, form: PipelineForm): string | undefined {
  const planned = visor.prepared?.pipelines.find((one) => one.key === key);
  if (!planned) return undefined;
  const fewPaths = visor.running.record.pipelines[key]?.fewPaths === true;
  switch (form) {
    case "source":
      return sourceText(visor, planned);
    case "ir":
      return compile(planned, fewPaths).ir;
    case "bytecode":
      return `${listCode(compile(planned, fewPaths).code)}\n`;
  }
}

function compile(planned: PlannedPipeline, fewPaths: boolean): { readonly code: CompiledProgram; readonly ir: string } {
  const prepared = prepareComposed(planned.compose());
  let ir = "";
  const hook = compilerHook(planned.pipeline.hook);
  const code = compilePrepared(prepared, prepared.module.programs[0]!, hook, runningAbilities(), undefined, {
    fewPaths,
    observe: (stage, program) => {
      if (stage === "optimized") ir = printIr(program);
    },
  });
  return { code, ir };
}

/** The source of each function once, in the order in which packets meet them; HIR where a function ships as that. */
function sourceText(visor: Visor, { pipeline }: PlannedPipeline): string {
  const instances = stagesOf(pipeline.root).map((stage) => visor.prepared!.numbered.instances.get(stage.instance)!);
  const functions = [...new Map(instances.map(({ model }) => [model.function.kind, model.function]))];
  return functions
    .map(([kind, { module }]) => {
      const names = instances.filter(({ model }) => model.function.kind === kind).map(({ model }) => model.name);
      const folder = visor.functions.get(kind)?.folder;
      return `// ${kind}: ${names.join(", ")}\n${(folder && readSource(folder)) ?? printModule(module)}`;
    })
    .join("\n");
}

function readSource(folder: string): string | undefined {
  try {
    return readFileSync(join(folder, "kernel.ts"), "utf8");
  } catch {
    return undefined;
  }
}
