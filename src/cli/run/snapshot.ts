import type { MapDeclaration } from "../../compiler/hir/tree.ts";
import type { AnyMap } from "../../engine/host-types.ts";
import { PerCpuMap, TypedMap } from "../../engine/typed-map.ts";
import { type Field, fieldsOf } from "./values.ts";

/** An entry of a map as it is shown. */
export interface Entry {
  readonly key: unknown;
  readonly value: unknown;
}

/** The entries of a map at one time. */
export interface Snapshot {
  readonly declaration: MapDeclaration;
  readonly entries: readonly Entry[];
  /** There are more entries than were read. */
  readonly cut: boolean;
}

/** Entries that are read of one map: reading more would take longer than anybody looks. */
const mostEntries = 10_000;

/** Whether `run` shows a map: maps with keys and values, unless their declaration says otherwise. */
export function isShown(declaration: MapDeclaration, map: AnyMap | undefined): boolean {
  if (declaration.display?.kind === "hidden" || !declaration.key || !declaration.value) return false;
  return map instanceof TypedMap || map instanceof PerCpuMap;
}

/** Reads a map. Per-CPU values are added up; entries of arrays that are all zero are left out. */
export function takeSnapshot(declaration: MapDeclaration, map: AnyMap): Snapshot {
  const entries: Entry[] = [];
  const isArray = declaration.kind === "array" || declaration.kind === "perCpuArray" || declaration.kind === "devMap";
  let seen = 0;
  for (const [key, value] of map as Iterable<[unknown, unknown]>) {
    if (++seen > mostEntries) break;
    const entry = { key, value: map instanceof PerCpuMap ? addUp(value as readonly unknown[]) : value };
    if (!isArray || !isZero(entry.value)) entries.push(entry);
  }
  return { declaration, entries, cut: seen > mostEntries };
}

/** The values of all processors as one: numbers added up, anything else as the first one has it. */
export function addUp(values: readonly unknown[]): unknown {
  const [first, ...rest] = values;
  if (typeof first === "number") return rest.reduce<number>((sum, value) => sum + (value as number), first);
  if (typeof first === "bigint") {
    return BigInt.asUintN(
      64,
      rest.reduce<bigint>((sum, value) => sum + (value as bigint), first),
    );
  }
  if (typeof first === "boolean") return values.includes(true);
  if (first instanceof Uint8Array || typeof first !== "object" || first === null) return first;
  if (Array.isArray(first)) return first.map((_, index) => addUp(values.map((value) => (value as unknown[])[index])));
  const records = values as readonly Readonly<Record<string, unknown>>[];
  return Object.fromEntries(Object.keys(first).map((name) => [name, addUp(records.map((record) => record[name]))]));
}

function isZero(value: unknown): boolean {
  if (typeof value === "number" || typeof value === "bigint") return Number(value) === 0;
  if (typeof value === "boolean") return !value;
  if (value instanceof Uint8Array) return value.every((byte) => byte === 0);
  return typeof value === "object" && value !== null && Object.values(value).every(isZero);
}

/** Entries as they are shown: arrays and histograms by key, others by their first number, largest first. */
export function sorted({ declaration, entries }: Snapshot): readonly Entry[] {
  const byKey = declaration.display?.kind === "histogram" || /array/i.test(declaration.kind);
  if (byKey) return entries.toSorted((a, b) => Number(a.key) - Number(b.key));
  const weight = (entry: Entry): number => Number(firstNumber(fieldsOf(declaration.value!, entry.value)) ?? 0);
  return entries
    .map((entry) => ({ entry, weight: weight(entry) }))
    .sort((a, b) => b.weight - a.weight)
    .map(({ entry }) => entry);
}

function firstNumber(fields: readonly Field[]): number | bigint | undefined {
  for (const { value } of fields) if (typeof value === "number" || typeof value === "bigint") return value;
  return undefined;
}
