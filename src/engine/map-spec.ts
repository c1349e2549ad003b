import { sizeOf } from "../compiler/hir/layout.ts";
import type { MapDeclaration, MapKind, Module } from "../compiler/hir/tree.ts";
import type { MapSpec } from "../kernel/maps.ts";

/** The kernel's name of each map kind. */
const types = {
  array: "array",
  hash: "hash",
  lruHash: "lru_hash",
  perCpuArray: "percpu_array",
  perCpuHash: "percpu_hash",
  lruPerCpuHash: "lru_percpu_hash",
  lpmTrie: "lpm_trie",
  ringBuffer: "ringbuf",
  queue: "queue",
  stack: "stack",
  devMap: "devmap",
  devMapHash: "devmap_hash",
  progArray: "prog_array",
  arrayOfMaps: "array_of_maps",
  hashOfMaps: "hash_of_maps",
} as const satisfies Readonly<Record<MapKind, MapSpec["type"]>>;

/** The spec of a declared map: its type is one that the virtual machine has, too. */
export type DeclaredMapSpec = MapSpec & { readonly type: (typeof types)[MapKind] };

/** Type ids of maps' keys and values in a BTF object, by map name. */
export type MapTypeIds = ReadonlyMap<string, { readonly key: number; readonly value: number }>;

/** What the kernel is asked to make for a declaration. */
export function mapSpec(module: Module, declaration: MapDeclaration, typeIds: MapTypeIds): DeclaredMapSpec {
  const inner = declaration.inner === undefined ? undefined : module.maps[declaration.inner];
  const btf = typeIds.get(declaration.name);
  return {
    name: declaration.name,
    type: types[declaration.kind],
    keySize: declaration.key ? sizeOf(declaration.key) : 0,
    valueSize: valueSize(declaration),
    maxEntries: declaration.maxEntries,
    flags: declaration.flags,
    ...(inner ? { inner: mapSpec(module, inner, typeIds) } : {}),
    ...(btf ? { btf } : {}),
    ...(declaration.rules ? { contents: declaration.rules.contents } : {}),
  };
}

/** Maps of descriptors hold 4 bytes each; a ring buffer's records have their own length. */
function valueSize(declaration: MapDeclaration): number {
  switch (declaration.kind) {
    case "ringBuffer":
      return 0;
    case "progArray":
    case "arrayOfMaps":
    case "hashOfMaps":
      return 4;
    default:
      return declaration.value ? sizeOf(declaration.value) : 4;
  }
}
