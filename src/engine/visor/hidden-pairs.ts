import type { DataPath } from "../datapath/data-path.ts";
import { Recirculation } from "../datapath/recirculation.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import type { PairRecord } from "./record.ts";

/** The hidden pairs of a data path. */
export class HiddenPairs implements Disposable {
  readonly #dataPath: DataPath;
  readonly #name: string;
  readonly #held = new Map<PipelineHook, { readonly record: PairRecord; readonly pair: Recirculation }>();

  constructor(dataPath: DataPath, name: string) {
    this.#dataPath = dataPath;
    this.#name = name;
  }

  /** Makes or adopts a pair. True when it was not held before. */
  ensure(record: PairRecord): boolean {
    const held = this.#held.get(record.hook);
    if (held?.record.netns === record.netns && held !== undefined) return false;
    held?.pair.remove();
    this.#held.set(record.hook, {
      record,
      pair: new Recirculation(this.#dataPath, this.#name, record.hook, record.netns),
    });
    return true;
  }

  get(hook: PipelineHook): Recirculation | undefined {
    return this.#held.get(hook)?.pair;
  }

  remove(hook: PipelineHook): void {
    this.#held.get(hook)?.pair.remove();
    this.#held.delete(hook);
  }

  /** Takes all pairs away that are not among those. */
  keepOnly(records: readonly PairRecord[]): void {
    for (const hook of [...this.#held.keys()]) if (!records.some((one) => one.hook === hook)) this.remove(hook);
  }

  [Symbol.dispose](): void {
    for (const { pair } of this.#held.values()) pair[Symbol.dispose]();
    this.#held.clear();
  }
}
