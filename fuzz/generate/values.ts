import { condition } from "./conditions.ts";
import type { Context } from "./context.ts";
import { type Aggregate, isAggregate, type MapDeclaration } from "./declarations.ts";
import { limits } from "./integers.ts";
import { hasLock, type Layout, layoutText, type StructLayout, sizeOf } from "./layouts.ts";
import { numberFor } from "./numbers.ts";
import { sameLayout, somePart } from "./references.ts";
import { typedWide } from "./wide.ts";

/** A value that may be stored where the scalar layout is. */
export function scalarFor(c: Context, layout: Layout, depth: number): string {
  switch (layout.kind) {
    case "integer":
      c.coverage.hit(`store ${layout.name}`);
      if (layout.reads === "u64" || layout.reads === "i64") return typedWide(c, layout.reads, depth);
      return numberFor(c, layout.reads, depth);
    case "enum": {
      const { reads } = layout.scalar;
      c.coverage.hit("store enum");
      if (c.random.chance(0.5) || reads === "u64" || reads === "i64")
        return `${layout.name}.${c.random.pick(layout.members)}`;
      return numberFor(c, reads, depth);
    }
    case "bits": {
      const { reads } = layout.unit;
      c.coverage.hit("store bits");
      if (reads === "u64" || reads === "i64") throw new RangeError("bit fields of 64 bits are not generated");
      const high = (1n << BigInt(layout.width)) - 1n;
      return numberFor(c, reads, depth, { low: 0n, high: high < limits[reads].high ? high : limits[reads].high });
    }
    case "bool":
      c.coverage.hit("store bool");
      return condition(c, depth);
    default:
      throw new RangeError(`${layout.kind} is no scalar`);
  }
}

/** A value of any layout, for a map, an event or a field. Undefined when there is no room left for one. */
export function valueFor(c: Context, layout: Layout, depth: number): string | undefined {
  if (!isAggregate(layout)) return scalarFor(c, layout, depth);
  const existing = c.random.chance(0.3) ? somePart(c, (part) => sameLayout(part.layout, layout)) : undefined;
  if (existing) {
    c.coverage.hit(`aggregate from ${existing.region}`);
    return existing.text;
  }
  if (c.storage < sizeOf(layout)) return undefined;
  c.storage -= sizeOf(layout);
  return newAggregate(c, layout, depth);
}

function newAggregate(c: Context, layout: Aggregate, depth: number): string | undefined {
  switch (layout.kind) {
    case "struct":
      return newStruct(c, layout, depth);
    case "union":
      c.coverage.hit("new union");
      return `${layout.name}()`;
    case "bytes":
      if (layout.length === 6 && c.random.chance(0.3)) {
        c.coverage.hit("mac()");
        return `mac("02:00:00:00:00:0${c.random.below(10)}")`;
      }
      if (layout.length === 16 && c.random.chance(0.3)) {
        c.coverage.hit("ipv6()");
        return `ipv6("2001:db8::${c.random.below(10)}")`;
      }
      return zeroOf(c, layout);
    case "array":
      return zeroOf(c, layout);
  }
}

function zeroOf(c: Context, layout: Aggregate): string | undefined {
  if (layout.name === undefined) return undefined;
  c.coverage.hit("new zeroed");
  return `${layoutText(layout)}()`;
}

function newStruct(c: Context, layout: StructLayout, depth: number): string {
  if (c.random.chance(0.1) && !hasLock(layout)) {
    c.coverage.hit("new zeroed");
    return `${layout.name}()`;
  }
  const spread = c.random.chance(0.2) ? somePart(c, (part) => part.layout === layout) : undefined;
  const fields = fieldsOf(c, layout, depth, spread !== undefined);
  if (fields === undefined) return `${layout.name}()`;
  if (spread) c.coverage.hit("spread");
  const literal = `{ ${[...(spread ? [`...${spread.text}`] : []), ...fields].join(", ")} }`;
  c.coverage.hit("object literal");
  return c.random.chance(0.5) ? `${layout.name}(${literal})` : literal;
}

function fieldsOf(c: Context, layout: StructLayout, depth: number, some: boolean): readonly string[] | undefined {
  const texts: string[] = [];
  for (const { name, layout: field } of layout.fields) {
    if (some && c.random.chance(0.6)) continue;
    if (field.kind === "lock" || field.kind === "union") return undefined;
    const value = valueFor(c, field, depth - 1);
    if (value === undefined) return undefined;
    texts.push(`${name}: ${value}`);
  }
  return texts;
}

/** A key of a map. Array indexes are mostly in range. */
export function keyFor(c: Context, map: MapDeclaration, depth: number): string | undefined {
  if (map.key) return map.kind === "lpmTrie" ? prefixKey(c, map.key, depth) : valueFor(c, map.key, Math.min(depth, 1));
  if (c.random.chance(0.5)) return String(c.random.below(map.maxEntries));
  if (c.random.chance(0.5)) {
    c.coverage.hit("array index: mask");
    return `(${numberFor(c, "u32", depth)} & ${map.maxEntries - 1})`;
  }
  return numberFor(c, "u32", depth);
}

/** Prefix lengths beyond the key's are refused by the kernel; those are tried, too. */
function prefixKey(c: Context, key: Layout, depth: number): string | undefined {
  if (key.kind !== "struct" || c.storage < sizeOf(key)) return undefined;
  c.storage -= sizeOf(key);
  const [length, ...rest] = key.fields;
  const bits = (sizeOf(key) - 4) * 8;
  const fields = rest.map(({ name, layout }) => `${name}: ${scalarFor(c, layout, depth - 1)}`);
  const prefix = c.random.chance(0.6) ? String(bits) : String(c.random.below(bits + 2));
  return `{ ${[`${length!.name}: ${prefix}`, ...fields].join(", ")} }`;
}
