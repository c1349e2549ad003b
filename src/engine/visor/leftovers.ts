import { NetworkNamespace } from "../../kernel/namespaces.ts";
import type { DataPath } from "../datapath/data-path.ts";
import { type PairPlace, pairPinPrefix, removePairs } from "../datapath/recirculation.ts";
import { groupKey } from "../pipeline/flood.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import type { Attachments } from "./attachments.ts";
import type { DataPathRecord } from "./record.ts";

const hooks: readonly PipelineHook[] = ["xdp", "tcx"];

/**
 * What is in a data path beside what its record knows: a process that died during an apply left it, or one whose store
 * is lost. Each is looked for once, when nothing can depend on it any more.
 */
export class Leftovers {
  readonly #dataPath: DataPath;
  readonly #name: string;
  readonly #attachments: Attachments;
  readonly #done = new Set<string>();

  constructor(dataPath: DataPath, name: string, attachments: Attachments) {
    this.#dataPath = dataPath;
    this.#name = name;
    this.#attachments = attachments;
  }

  /** Before maps are made, whose pins might be in the way. Programs keep the maps that they use. */
  forgetMaps(record: DataPathRecord): void {
    this.#once("maps", () => {
      const known = new Set(Object.values(record.maps).flatMap((own) => Object.values(own).map(({ pin }) => pin)));
      const { pins } = this.#dataPath;
      for (const path of pins.mapsInUse()) if (!known.has(path)) pins.remove(path);
    });
  }

  /** Before hooks are attached to: they take one program, and entries of before may lead elsewhere after the commit. */
  forgetLinks(): void {
    this.#once("links", () => this.removeLinks());
  }

  /** Detaches at once: what is only unpinned stays attached until the kernel comes to it. */
  removeLinks(): void {
    const known = new Set(this.#attachments.records().map(({ key }) => key));
    for (const name of this.#dataPath.pinnedLinks()) {
      if (!known.has(name) && !name.startsWith(pairPinPrefix)) this.#attachments.removeStranger(name);
    }
  }

  /** When both parities are as the record says. */
  clearTables(record: DataPathRecord): void {
    this.#once("tables", () => {
      const { devices, pins } = this.#dataPath;
      const pipelines = Object.values(record.pipelines);
      for (const hook of hooks) {
        const used = pipelines.filter((pipeline) => pipeline.hook === hook).map(({ slot }) => slot);
        this.#dataPath.slots(hook).keepOnly(new Set(used));
      }
      devices.keepOnly(new Set(record.devices.map(({ port }) => port)));
      this.#clearGroups(record);
      this.removePairs(record);
      pins.removeEmptyFolders();
    });
  }

  /** Hidden pairs that the record does not have, in whatever namespace: their names are known. */
  removePairs({ pairs }: Pick<DataPathRecord, "pairs">): void {
    const known = new Set(pairs.map(({ hook, netns, entry }) => `${hook} ${netns} ${entry}`));
    // Pairs of entries are in the visor's own namespace.
    const entries = Array.from(
      { length: this.#dataPath.sizes.entries },
      (_, entry) => ({ hook: "xdp", entry }) as const,
    );
    for (const netns of [undefined, ...NetworkNamespace.list()]) {
      const places: PairPlace[] = hooks.map((hook) => (netns === undefined ? { hook } : { hook, netns }));
      if (netns === undefined) places.push(...entries);
      const strange = places.filter(({ hook, entry }) => !known.has(`${hook} ${netns} ${entry}`));
      removePairs(this.#dataPath, this.#name, netns, strange);
    }
  }

  #clearGroups({ groups }: DataPathRecord): void {
    const known = new Set(
      groups.flatMap(({ instance, group, innerPorts }) =>
        [0, 1].flatMap((parity) =>
          [0, ...innerPorts.map((_, index) => index + 1)].map((variant) => groupKey(parity, instance, group, variant)),
        ),
      ),
    );
    for (const table of ["floods", "groups"] as const) {
      const map = this.#dataPath.table(table);
      for (const key of [...map.keys()]) {
        if (!known.has(new DataView(key.buffer, key.byteOffset).getUint32(0, true))) map.delete(key);
      }
    }
  }

  #once(what: string, work: () => void): void {
    if (this.#done.has(what)) return;
    work();
    this.#done.add(what);
  }
}
