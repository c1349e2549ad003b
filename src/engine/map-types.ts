import { BtfBuilder } from "../bytecode/btf-builder.ts";
import { typeOfLayout } from "../compiler/emit/types.ts";
import type { MapDeclaration, MapKind, Module } from "../compiler/hir/tree.ts";
import { BtfObject } from "../kernel/btf.ts";
import type { MapTypeIds } from "./map-spec.ts";

/** The kernel takes no key and value types for these (map_check_btf and the types' own checks). */
const untyped: ReadonlySet<MapKind> = new Set([
  "ringBuffer",
  "queue",
  "stack",
  "devMap",
  "devMapHash",
  "progArray",
  "arrayOfMaps",
  "hashOfMaps",
]);

/**
 * The types of a module's maps: bpftool and the kernel show entries by them, locks and timers need them. They are
 * loaded when the first map is made: a version that takes over all of its maps needs none.
 */
export function makeMapTypes(
  module: Module,
): Disposable & { readonly ids: MapTypeIds; readonly object: BtfObject | undefined } {
  const btf = new BtfBuilder();
  const ids = new Map(module.maps.flatMap((map) => entryOf(btf, map)));
  let object: BtfObject | undefined;
  return {
    ids,
    get object() {
      return ids.size > 0 ? (object ??= BtfObject.load(btf.toBytes())) : undefined;
    },
    [Symbol.dispose]: () => object?.close(),
  };
}

function entryOf(
  btf: BtfBuilder,
  map: MapDeclaration,
): (readonly [string, { readonly key: number; readonly value: number }])[] {
  if (untyped.has(map.kind) || !map.key || !map.value) return [];
  return [[map.name, { key: typeOfLayout(btf, map.key), value: typeOfLayout(btf, map.value) }]];
}
