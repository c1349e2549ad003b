import type { Module } from "../../compiler/hir/tree.ts";
import { composePipeline } from "../pipeline/compose.ts";
import { type CutLimits, cutPipelines, type Pipeline, pipelineKey, type Stage, stagesOf } from "../pipeline/cut.ts";
import { Metadata } from "../pipeline/metadata.ts";
import { metadataSlots, type TableSizes } from "../pipeline/tables.ts";
import { type Tap, tapsOf } from "../pipeline/taps.ts";
import type { Entry } from "./entries.ts";
import { hash, type NumberedModel } from "./model.ts";

/** A pipeline of a revision, not compiled yet. */
export interface PlannedPipeline {
  readonly key: string;
  readonly pipeline: Pipeline;
  readonly slot: number;
  /** Equal for pipelines whose programs are equal. */
  readonly fingerprint: string;
  /** The taps that look at its instances. */
  readonly taps: readonly Tap[];
  /** Instructions that the verifier is expected to process, and for which functions, by their fingerprints. */
  readonly work: number;
  readonly functions: readonly string[];
  compose(): Module;
}

/** The pipelines of a graph. */
export function planPipelines(given: {
  readonly numbered: NumberedModel;
  readonly entries: readonly Entry[];
  readonly place: (keys: readonly string[]) => Readonly<Record<string, number>>;
  readonly tables: TableSizes;
  readonly limits: CutLimits;
  readonly taps: readonly Tap[];
}): readonly PlannedPipeline[] {
  const { numbered, entries, place, tables, limits, taps: allTaps } = given;
  const pipelines = cutPipelines(numbered.topology, entries, limits);
  const slots = place(pipelines.map(({ hook, root }) => pipelineKey(hook, root.instance)));
  const places = new Map(Object.entries(slots));
  const { layout } = new Metadata(numbered.topology.values(), metadataSlots);
  return pipelines.map((pipeline) => {
    const key = pipelineKey(pipeline.hook, pipeline.root.instance);
    const stages = stagesOf(pipeline.root).map(({ instance }) => numbered.instances.get(instance)!);
    const taps = tapsOf(allTaps, new Set(stages.map(({ node }) => node.instance)));
    const shape = [pipeline.hook, layout, shapeOf(pipeline.root, numbered, slots, pipeline.hook)];
    return {
      key,
      pipeline,
      slot: slots[key]!,
      fingerprint: hash(taps.length === 0 ? shape : [...shape, taps]),
      taps,
      work: stages.reduce((sum, { node }) => sum + node.work, 0),
      functions: [...new Set(stages.map(({ model }) => model.function.fingerprint))],
      compose: () => composePipeline(pipeline, { topology: numbered.topology, tables, slots: places, taps }),
    };
  });
}

/** All that the program of a stage depends on. */
function shapeOf(
  stage: Stage,
  numbered: NumberedModel,
  slots: Readonly<Record<string, number>>,
  hook: Pipeline["hook"],
): unknown {
  const { fingerprint, identity } = numbered.instances.get(stage.instance)!;
  const exits = stage.exits.map((exit) => {
    switch (exit.kind) {
      case "stage":
        return [exit.port, shapeOf(exit.stage, numbered, slots, hook)];
      case "pipeline":
        return ["pipeline", slots[pipelineKey(hook, exit.instance)], exit.port];
      case "host":
        return ["host", exit.device];
      default:
        return exit.kind;
    }
  });
  const { id, firstPort, firstReason } = identity;
  return [stage.instance, fingerprint, id, firstPort, firstReason, exits];
}
