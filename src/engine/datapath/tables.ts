import * as build from "../../compiler/hir/build.ts";
import type { MapDeclaration } from "../../compiler/hir/tree.ts";
import { KernelMap } from "../../kernel/maps.ts";
import { mapSpec } from "../map-spec.ts";
import { makeMapTypes } from "../map-types.ts";
import { type TableName, type TableSizes, tableDeclarations, tableNames } from "../pipeline/tables.ts";
import type { PipelineHook } from "../pipeline/topology.ts";
import type { Pins } from "./pins.ts";

/** Room of the tables of a data path: per-CPU counters of 32 bytes a port dominate, 128 KiB for each processor. */
export const usualSizes: TableSizes = { entries: 1024, ports: 4096, reasons: 8192, pipelines: 512, groups: 4096 };

const pipelineHooks: readonly PipelineHook[] = ["xdp", "tcx"];

/** The maps that all pipelines share, pinned. Arrays of programs exist for each kind of program. */
export class SharedTables implements Disposable {
  readonly sizes: TableSizes;
  readonly #maps = new Map<string, KernelMap>();

  /** Adopts what is pinned, and makes what is not. On failure nothing that it made stays. */
  constructor(pins: Pins, sizes: TableSizes = usualSizes) {
    this.sizes = sizes;
    using undo = new DisposableStack();
    undo.defer(() => this[Symbol.dispose]());
    const module = build.module([], { maps: tableDeclarations(sizes) });
    using types = makeMapTypes(module);
    for (const declaration of module.maps) {
      for (const key of keysOf(declaration)) {
        const path = pins.table(key);
        const spec = mapSpec(module, declaration, types.ids);
        if (pins.exists(path)) {
          this.#maps.set(key, KernelMap.fromPin(path));
          continue;
        }
        const map = KernelMap.create(spec, types.object ? { btf: types.object } : {});
        this.#maps.set(key, map);
        map.pin(path);
        undo.defer(() => pins.remove(path));
      }
    }
    undo.move();
  }

  get(name: Exclude<TableName, "slots">): KernelMap {
    return this.#maps.get(tableNames[name])!;
  }

  slots(hook: PipelineHook): KernelMap {
    return this.#maps.get(slotsKey(hook))!;
  }

  /** By the names that programs of a hook know them by. */
  named(hook: PipelineHook): Readonly<Record<string, KernelMap>> {
    const names = Object.keys(tableNames) as TableName[];
    return Object.fromEntries(
      names.map((name) => [tableNames[name], name === "slots" ? this.slots(hook) : this.get(name)]),
    );
  }

  [Symbol.dispose](): void {
    for (const map of this.#maps.values()) map.close();
  }
}

function keysOf(declaration: MapDeclaration): readonly string[] {
  return declaration.kind === "progArray" ? pipelineHooks.map(slotsKey) : [declaration.name];
}

function slotsKey(hook: PipelineHook): string {
  return `${tableNames.slots}_${hook}`;
}
