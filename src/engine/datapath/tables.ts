import { isDeepStrictEqual } from "node:util";
import * as build from "../../compiler/hir/build.ts";
import type { MapDeclaration } from "../../compiler/hir/tree.ts";
import { KernelMap, type MapSpec } from "../../kernel/maps.ts";
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

  /**
   * Adopts what is pinned. Programs are bound to their tables: where one is gone or has another layout than this
   * version gives it, all are made anew, in generation 0. On failure nothing that it made stays.
   */
  constructor(pins: Pins, sizes: TableSizes = usualSizes) {
    this.sizes = sizes;
    using undo = new DisposableStack();
    undo.defer(() => this[Symbol.dispose]());
    const module = build.module([], { maps: tableDeclarations(sizes) });
    using types = makeMapTypes(module);
    const wanted = module.maps.flatMap((declaration) => {
      const spec = mapSpec(module, declaration, types.ids);
      return keysOf(declaration).map((key) => ({ key, spec, path: pins.table(key) }));
    });
    for (const { key, path } of wanted) if (pins.exists(path)) this.#maps.set(key, KernelMap.fromPin(path));
    if (wanted.every(({ key, spec }) => fits(this.#maps.get(key), spec))) {
      undo.move();
      return;
    }
    this[Symbol.dispose]();
    pins.remove(pins.tablesFolder);
    undo.defer(() => pins.remove(pins.tablesFolder));
    for (const { key, spec, path } of wanted) {
      const map = KernelMap.create(spec, types.object ? { btf: types.object } : {});
      this.#maps.set(key, map);
      map.pin(path);
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

function fits(map: KernelMap | undefined, spec: MapSpec): boolean {
  if (!map) return false;
  const shape = ({ type, keySize, valueSize, maxEntries }: Omit<MapSpec, "name">) =>
    [type, keySize, valueSize, maxEntries] as const;
  return isDeepStrictEqual(shape(map.info()), shape(spec));
}

function keysOf(declaration: MapDeclaration): readonly string[] {
  return declaration.kind === "progArray" ? pipelineHooks.map(slotsKey) : [declaration.name];
}

function slotsKey(hook: PipelineHook): string {
  return `${tableNames.slots}_${hook}`;
}
