import { stagesOf } from "../pipeline/cut.ts";
import type { Prepared } from "./prepare.ts";
import type { DataPathRecord } from "./record.ts";

export type PlannedAction =
  | { readonly kind: "load" | "keep" | "unload"; readonly pipeline: string; readonly functions: readonly string[] }
  | { readonly kind: "attach" | "detach"; readonly hook: string; readonly device: string; readonly netns?: string }
  /** The host side of instances whose function is another one than the one that runs. */
  | { readonly kind: "restart"; readonly instance: string }
  /** A device of the graph that is not there now. */
  | { readonly kind: "await"; readonly device: string };

/** The difference between what is in the kernel and a revision that is worked out. */
export function plannedActions(live: DataPathRecord, next: Prepared): readonly PlannedAction[] {
  const pipelines = next.pipelines.map(({ key, fingerprint, pipeline }): PlannedAction => {
    const functions = stagesOf(pipeline.root).map((stage) => stage.instance);
    const same = live.pipelines[key]?.fingerprint === fingerprint;
    return { kind: same ? "keep" : "load", pipeline: key, functions };
  });
  const wanted = new Set(next.pipelines.map(({ key }) => key));
  const unloaded = Object.keys(live.pipelines)
    .filter((key) => !wanted.has(key))
    .map((key): PlannedAction => ({ kind: "unload", pipeline: key, functions: [] }));
  const keys = (records: DataPathRecord["attachments"]): ReadonlySet<string> =>
    new Set(records.map(({ key, ifindex }) => `${key} ${ifindex}`));
  const [before, after] = [keys(live.attachments), keys(next.attachments)];
  const hooks = (records: DataPathRecord["attachments"], kind: "attach" | "detach", others: ReadonlySet<string>) =>
    records
      .filter(({ key, ifindex }) => !others.has(`${key} ${ifindex}`))
      .map(({ spec, netns }): PlannedAction => {
        return { kind, hook: spec.hook, device: spec.device, ...(netns === undefined ? {} : { netns }) };
      });
  const missing = next.model.devices.filter((device) => !device.found);
  return [
    ...pipelines,
    ...unloaded,
    ...hooks(next.attachments, "attach", before),
    ...hooks(live.attachments, "detach", after),
    ...missing.map((device): PlannedAction => ({ kind: "await", device: device.name })),
  ];
}
