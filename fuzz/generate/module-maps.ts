import { declareTimers } from "./callbacks.ts";
import type { Context } from "./context.ts";
import type { MapDeclaration, MapKind } from "./declarations.ts";
import { boolLayout, integers, type Layout, layoutText } from "./layouts.ts";
import { declareKey, declareLocked, declarePrefix } from "./module-layouts.ts";

const entryMaps: readonly MapKind[] = ["hash", "lruHash", "perCpuHash", "lruPerCpuHash"];

/** Some maps, of all kinds. */
export function declareMaps(c: Context): void {
  const kinds: readonly (readonly [number, MapKind])[] = [
    [4, "arrayMap"],
    [4, "hash"],
    [2, "lruHash"],
    [2, "perCpuArray"],
    [2, "perCpuHash"],
    [1, "lruPerCpuHash"],
    [2, "lpmTrie"],
    [2, "ringBuffer"],
    [2, "queue"],
    [2, "stack"],
    [1, "devMap"],
    [1, "devMapHash"],
    [1, "progArray"],
  ];
  for (let count = c.random.between(1, 4); count > 0; count--) declareMap(c, c.random.weighted(kinds));
  declareTimers(c);
}

function value(c: Context): Layout {
  if (c.random.chance(0.55)) return c.random.pick(c.declarations.structs);
  return c.random.pick([...Object.values(integers), integers.u64, integers.u64, boolLayout]);
}

function key(c: Context): Layout {
  if (c.random.chance(0.4)) return declareKey(c);
  const { u32, u16, u64, be32, be16, u8, i32 } = integers;
  return c.random.pick([u32, u16, u64, be32, be16, u8, i32]);
}

function declareMap(c: Context, kind: MapKind): void {
  const name = c.fresh("map");
  const options: string[] = [];
  const parts: { key?: Layout; value?: Layout } = {};
  let maxEntries = c.random.pick([1, 2, 4, 8, 16]);
  if (entryMaps.includes(kind) || kind === "lpmTrie") {
    parts.key = kind === "lpmTrie" ? declarePrefix(c) : key(c);
    options.push(`key: ${layoutText(parts.key)}`);
    // What an LRU map evicts when it is full is not repeatable.
    if (kind.startsWith("lru")) maxEntries = 4096;
  }
  if (kind === "ringBuffer") {
    parts.value = c.random.pick(c.declarations.structs);
    options.push(`event: ${layoutText(parts.value)}`, "bytes: 4096");
  } else if (kind !== "devMap" && kind !== "devMapHash" && kind !== "progArray") {
    const locked = !c.tracing && (kind === "arrayMap" || kind === "hash") && c.random.chance(0.3);
    parts.value = locked ? declareLocked(c) : value(c);
    options.push(`value: ${layoutText(parts.value)}`);
  }
  if (kind !== "ringBuffer") options.push(`maxEntries: ${maxEntries}`);
  c.coverage.hit(`map ${kind}`);
  c.line(`export const ${name} = ${kind}({ ${options.join(", ")} });`);
  const declaration: MapDeclaration = { kind, name, maxEntries, ...parts };
  c.declarations.maps.push(declaration);
}
