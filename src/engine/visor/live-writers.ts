import { GracePeriod } from "../../kernel/grace-period.ts";
import type { KernelMap } from "../../kernel/maps.ts";
import { mapFlags } from "../../kernel/sys/constants.ts";
import type { LiveContents, LiveWriter } from "../host/host-side.ts";
import type { NumberedInstance } from "./model.ts";

/** The writer of an instance's live contents. */
export interface OwnWriter {
  readonly contents: LiveContents;
  readonly writer: LiveWriter;
  /** Since packets went over from one contents to the next. */
  readonly grace: GracePeriod;
}

/** Arrays that are written in place are mapped into this process. */
export const liveFlags = mapFlags.mmapable;

/** The writers of all instances that have live contents, from one revision to the next. */
export class LiveWriters {
  readonly #writers = new Map<string, OwnWriter & { readonly fingerprint: string }>();

  /** Undefined for functions without live contents. */
  of({ model }: NumberedInstance): OwnWriter | undefined {
    const { fingerprint, host } = model.function;
    const known = this.#writers.get(model.name);
    if (known?.fingerprint === fingerprint) return known;
    this.#writers.delete(model.name);
    if (!host.live) return undefined;
    const made = { contents: host.live, writer: host.live.open(), grace: new GracePeriod(), fingerprint };
    this.#writers.set(model.name, made);
    return made;
  }

  /** Packets have gone over: what they went by before is free a grace period later. */
  turn(instances: ReadonlyMap<string, NumberedInstance>): void {
    for (const [name, { grace }] of this.#writers) {
      if (instances.has(name)) grace.begin();
      else this.#writers.delete(name);
    }
  }
}

const views = new WeakMap<KernelMap, Uint8Array>();

/** The memory of an array, the same each time: it goes when the map is closed. */
export function memoryOf(map: KernelMap): Uint8Array {
  const known = views.get(map) ?? map.view().bytes;
  views.set(map, known);
  return known;
}
