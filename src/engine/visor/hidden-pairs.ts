import type { DataPath } from "../datapath/data-path.ts";
import { Recirculation } from "../datapath/recirculation.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import type { PairRecord } from "./record.ts";

/** The hidden pairs of a data path. */
export class HiddenPairs implements Disposable {
  readonly #dataPath: DataPath;
  readonly #name: string;
  /** By hook and entry. */
  readonly #held = new Map<string, { readonly record: PairRecord; readonly pair: Recirculation }>();

  constructor(dataPath: DataPath, name: string) {
    this.#dataPath = dataPath;
    this.#name = name;
  }

  /** Makes or adopts a pair. True when it was not held before. */
  ensure(record: PairRecord): boolean {
    const held = this.#held.get(keyOf(record));
    if (held && held.record.netns === record.netns) return false;
    held?.pair.remove();
    this.#held.set(keyOf(record), { record, pair: new Recirculation(this.#dataPath, this.#name, record) });
    return true;
  }

  /** A pair for frames that tell themselves where they go on. */
  any(hook: PipelineHook): Recirculation | undefined {
    return [...this.#held.values()].find(({ record }) => record.hook === hook)?.pair;
  }

  /** The pair for flooded frames that go on at an entry. */
  get(place: Pick<PairRecord, "hook" | "entry">): Recirculation | undefined {
    return this.#held.get(keyOf(place))?.pair;
  }

  remove(place: Pick<PairRecord, "hook" | "entry">): void {
    this.get(place)?.remove();
    this.#held.delete(keyOf(place));
  }

  /** Takes all pairs away that are not among those. */
  keepOnly(records: readonly PairRecord[]): void {
    const wanted = new Set(records.map(keyOf));
    for (const { record } of [...this.#held.values()]) if (!wanted.has(keyOf(record))) this.remove(record);
  }

  [Symbol.dispose](): void {
    for (const { pair } of this.#held.values()) pair[Symbol.dispose]();
    this.#held.clear();
  }
}

function keyOf({ hook, entry }: Pick<PairRecord, "hook" | "entry">): string {
  return entry === undefined ? hook : `${hook} ${entry}`;
}
