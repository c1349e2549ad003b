import { atomicFetchNumber } from "./atomics.ts";
import { callOfNumber } from "./calls.ts";
import type { Context } from "./context.ts";
import { limits, type NumberExpression, type Range } from "./integers.ts";
import { type Layout, layoutText, sizeOf } from "./layouts.ts";
import { literal } from "./numbers.ts";
import { numberOrElse } from "./optional-expressions.ts";
import { type Leaf, someLeaf, somePart } from "./references.ts";

type Source = (c: Context, depth: number) => NumberExpression | undefined;

const sources: readonly (readonly [weight: number, make: Source])[] = [
  [10, variable],
  [10, field],
  [3, setting],
  [2, constant],
  [2, packetNumber],
  [2, layoutNumber],
  [2, atomicFetchNumber],
  [4, callOfNumber],
  [5, numberOrElse],
  [1, environment],
  [5, (c) => literal(c)],
];

/** A number that exists already: a variable, a field, a setting, a literal, the result of an operation. */
export function numberSource(c: Context, depth: number): NumberExpression | undefined {
  return c.random.weighted(sources)(c, depth);
}

function known(text: string, range: Range, brand?: NumberExpression["brands"][number]): NumberExpression {
  return { text, low: range.low, high: range.high, brands: brand ? [brand] : [], literal: false };
}

function variable(c: Context): NumberExpression | undefined {
  const found = c.variables("number");
  if (found.length === 0) return undefined;
  const chosen = c.random.chance(0.5)
    ? found.at(-1 - c.random.below(Math.min(4, found.length)))!
    : c.random.pick(found);
  c.coverage.hit("number variable");
  return known(chosen.name, chosen.range, chosen.brand);
}

/** What reading a scalar layout gives, if that is a number. */
export function numberOfLayout(text: string, layout: Layout): NumberExpression | undefined {
  switch (layout.kind) {
    case "integer":
      return layout.reads === "u64" || layout.reads === "i64"
        ? undefined
        : known(text, limits[layout.reads], layout.reads);
    case "enum": {
      const { reads } = layout.scalar;
      return reads === "u64" || reads === "i64" ? undefined : known(text, limits[reads], reads);
    }
    case "bits": {
      const { reads } = layout.unit;
      if (reads === "u64" || reads === "i64") return undefined;
      return known(text, { low: 0n, high: (1n << BigInt(layout.width)) - 1n }, reads);
    }
    default:
      return undefined;
  }
}

export function readsAsNumber(leaf: Leaf): boolean {
  return numberOfLayout("", leaf.layout) !== undefined;
}

export function hitRead(c: Context, leaf: Leaf): void {
  const { layout } = leaf;
  const name = layout.kind === "integer" ? layout.name : layout.kind;
  c.coverage.hit(`load ${name}`, `read ${leaf.region}`);
}

function field(c: Context, depth: number): NumberExpression | undefined {
  const leaf = someLeaf(c, readsAsNumber, depth);
  if (!leaf) return undefined;
  hitRead(c, leaf);
  return numberOfLayout(leaf.text, leaf.layout);
}

function setting(c: Context): NumberExpression | undefined {
  const found = c.declarations.settings.flatMap((one) => (one.kind === "number" ? [one] : []));
  if (found.length === 0) return undefined;
  const { path, range, brand } = c.random.pick(found);
  c.coverage.hit(`setting ${brand}`);
  return known(path, range, brand);
}

function constant(c: Context): NumberExpression | undefined {
  const found = c.declarations.constants.filter((one) => !one.wide);
  const members = c.declarations.enums.flatMap((one) => one.members.map((member) => ({ layout: one, member })));
  if (members.length > 0 && c.random.chance(0.4)) {
    const { layout, member } = c.random.pick(members);
    c.coverage.hit("enumeration member");
    return numberOfLayout(`${layout.name}.${member}`, layout);
  }
  if (found.length === 0) return undefined;
  const { path, value } = c.random.pick(found);
  c.coverage.hit("constant object: number");
  return { text: path, low: value, high: value, brands: [], literal: true };
}

function packetNumber(c: Context): NumberExpression | undefined {
  const { packet, locked } = c.place;
  if (!packet || locked) return undefined;
  const property = c.random.weighted([
    [8, "length"],
    [1, "queue"],
    [1, "ingressIfindex"],
    [2, "vlanTag"],
    [1, "vlanProtocol"],
  ] as const);
  c.coverage.hit(`packet.${property}`);
  if (property === "vlanTag" || property === "vlanProtocol")
    return { ...known(`(${packet}.${property} ?? 0)`, limits.u16, "u16"), literal: true };
  // What a test run gives for these two is not the same everywhere.
  if (property !== "length") return known(`(${packet}.${property} & 0)`, { low: 0n, high: 0n });
  return known(`${packet}.length`, limits.u32, "u32");
}

function layoutNumber(c: Context): NumberExpression | undefined {
  if (c.random.chance(0.3)) {
    const part = somePart(c, ({ layout }) => layout.kind === "bytes" || layout.kind === "array");
    if (!part || (part.layout.kind !== "bytes" && part.layout.kind !== "array")) return undefined;
    const length = BigInt(part.layout.length);
    c.coverage.hit(".length of an aggregate");
    return { text: `${part.text}.length`, low: length, high: length, brands: [], literal: true };
  }
  if (c.declarations.structs.length === 0) return undefined;
  const struct = c.random.pick(c.declarations.structs);
  const fields = struct.fields.filter(({ layout }) => layout.kind !== "bits" && layout.kind !== "lock");
  if (fields.length > 0 && c.random.chance(0.4)) {
    c.coverage.hit("offsetOf");
    const range = { low: 0n, high: BigInt(sizeOf(struct)) };
    return known(`offsetOf(${struct.name}, "${c.random.pick(fields).name}")`, range, "u32");
  }
  c.coverage.hit("Layout.size");
  const size = BigInt(sizeOf(struct));
  return known(`${layoutText(struct)}.size`, { low: size, high: size }, "u32");
}

/** Values that differ from run to run, used so that they cannot show. */
function environment(c: Context): NumberExpression | undefined {
  if (c.place.locked) return undefined;
  const call = c.random.pick(["random()", "cpu()"] as const);
  c.coverage.hit(call);
  return known(`(${call} & 0)`, { low: 0n, high: 0n });
}
