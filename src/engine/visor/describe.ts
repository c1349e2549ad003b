import { KernelProgram } from "../../kernel/programs.ts";
import type { DataPath } from "../datapath/data-path.ts";
import { type CutReason, cutsOf, stagesOf } from "../pipeline/cut.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import type { PlannedPipeline } from "./pipelines.ts";
import type { Prepared } from "./prepare.ts";

/** A pipeline of the live revision, for people. */
export interface PipelineDescription {
  readonly key: string;
  readonly hook: PipelineHook;
  readonly slot: number;
  /** The functions in it, in the order in which packets meet them; one that stands on several branches each time. */
  readonly functions: readonly string[];
  /** Where it ends and another one goes on, and why. */
  readonly cuts: readonly { readonly link: string; readonly why: string; readonly reason: CutReason }[];
  /** Where packets enter it: "dev-lan1-tcx". */
  readonly entries: readonly string[];
  /** Of its program in the kernel; undefined when it is not there (any more). */
  readonly program: ProgramDescription | undefined;
}

export interface ProgramDescription {
  readonly id: number;
  /** After the verifier's rewrites. */
  readonly instructions: number;
  /** That the verifier walked. */
  readonly processedInstructions: number;
  readonly machineCodeBytes: number;
}

const reasons: Readonly<Record<CutReason, string>> = {
  loop: "the function behind it has handled the packet in this pipeline already",
  "fan-out": "the function has more ports that lead to functions than are worth a copy each",
  "fan-in": "many pipelines lead to the function behind it: one program serves them all",
  length: "the pipeline is as long as it may be",
};

const instructionBytes = 8;

/** What pipelines are described of: a visor, or parts of one. */
export interface Described {
  readonly prepared: Prepared | undefined;
  readonly running: { readonly dataPath: DataPath };
}

/** All pipelines of the live revision. */
export function describePipelines(visor: Described): readonly PipelineDescription[] {
  const { prepared, running } = visor;
  if (!prepared) return [];
  return prepared.pipelines.map((planned) => describePipeline(prepared, running.dataPath, planned));
}

function describePipeline(prepared: Prepared, dataPath: DataPath, planned: PlannedPipeline): PipelineDescription {
  const { key, slot, pipeline } = planned;
  const { hook, root } = pipeline;
  // A function that stands on several branches may end at the same link each time.
  const cuts = new Map(cutsOf(prepared.numbered.topology, root).map((cut) => [cut.link, cut]));
  const entries = prepared.entries.filter((entry) => entry.hook === hook && entry.instance === root.instance);
  return {
    key,
    hook,
    slot,
    functions: stagesOf(root).map((stage) => stage.instance),
    cuts: [...cuts.values()].map(({ link, why }) => ({ link, why: reasons[why], reason: why })),
    entries: entries.map((entry) => entry.key),
    program: describeProgram(dataPath.slots(hook).programId(slot, dataPath.generation.parity)),
  };
}

function describeProgram(id: number | undefined): ProgramDescription | undefined {
  if (id === undefined) return undefined;
  using program = KernelProgram.fromId(id);
  const { translatedSize, verifiedInstructions, jitedSize } = program.info();
  return {
    id,
    instructions: translatedSize / instructionBytes,
    processedInstructions: verifiedInstructions,
    machineCodeBytes: jitedSize,
  };
}
