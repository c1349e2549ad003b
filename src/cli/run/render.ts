import type { MapDeclaration } from "../../compiler/hir/tree.ts";
import { type Column, formatTable } from "../table.ts";
import { paint } from "../terminal.ts";
import { type Entry, type Snapshot, sorted } from "./snapshot.ts";
import { type Field, fieldsOf, formatField, formatValue } from "./values.ts";

/** A map under its title, with at most `rows` entries. */
export function renderSnapshot(snapshot: Snapshot, rows: number): string {
  const { declaration, entries, cut } = snapshot;
  const count = cut
    ? `more than ${entries.length} entries`
    : entries.length === 1
      ? "1 entry"
      : `${entries.length} entries`;
  const title = `${paint(["bold", "cyan"], titleOf(declaration))} ${paint("dim", count)}`;
  if (entries.length === 0) return title;
  const ordered = sorted(snapshot);
  if (declaration.display?.kind === "histogram") return `${title}\n${renderHistogram(ordered)}`;
  const body = renderTable(declaration, ordered.slice(0, rows));
  const more = ordered.length - rows;
  return more > 0 ? `${title}\n${body}\n${paint("dim", `and ${more} more`)}` : `${title}\n${body}`;
}

export function titleOf(declaration: MapDeclaration): string {
  return declaration.display?.title ?? declaration.name;
}

function renderTable(declaration: MapDeclaration, entries: readonly Entry[]): string {
  const rows = entries.map((entry) => [
    ...fieldsOf(declaration.key!, entry.key).map((field) => named(field, "key")),
    ...fieldsOf(declaration.value!, entry.value).map((field) => named(field, "value")),
  ]);
  const columns = rows[0]!.map(({ title, value }): Column => ({ title, align: isNumeric(value) ? "right" : "left" }));
  return formatTable(
    columns,
    rows.map((row) => row.map(({ text }) => text)),
  );
}

function named(field: Field, otherwise: string) {
  const text = formatField(field);
  return { title: field.name === "" ? otherwise : field.name, value: /[.:]/.test(text) ? text : field.value, text };
}

function isNumeric(value: unknown): boolean {
  return typeof value === "number" || typeof value === "bigint";
}

const barWidth = 40;
/** 2^64 has 65 buckets; a wider key is not a power of two. */
const mostBuckets = 65;

/** Counts by powers of two: key k counts what lies in 2^k .. 2^(k+1)-1. */
export function renderHistogram(entries: readonly Entry[]): string {
  const counts = new Map(entries.map(({ key, value }) => [Number(key), Number(value)]));
  const keys = [...counts.keys()].filter((key) => key >= 0 && key < mostBuckets);
  if (keys.length === 0) return "";
  const [low, high] = [Math.min(...keys), Math.max(...keys)];
  const largest = Math.max(1, ...counts.values());
  const rows = Array.from({ length: high - low + 1 }, (_, index) => {
    const key = low + index;
    const count = counts.get(key) ?? 0;
    const bar = "#".repeat(Math.round((count / largest) * barWidth));
    const from = key === 0 ? 0n : 1n << BigInt(key);
    return [String(from), String((1n << BigInt(key + 1)) - 1n), String(count), `|${bar.padEnd(barWidth)}|`];
  });
  const columns: Column[] = [
    { title: "from", align: "right" },
    { title: "to", align: "right" },
    { title: "count", align: "right" },
    { title: "" },
  ];
  return formatTable(columns, rows);
}

/** An entry as one line: `usage key=192.0.2.1 packets=3 bytes=180`. */
export function renderEntry(declaration: MapDeclaration, { key, value }: Entry): string {
  const shown = (text: string, name: string): string => (text.includes("=") ? text : `${name}=${text}`);
  const keyText = shown(formatValue(declaration.key!, key), "key");
  return `${declaration.name} ${keyText} ${shown(formatValue(declaration.value!, value), "value")}`;
}

/** An event as one line. */
export function renderEvent(declaration: MapDeclaration, event: unknown): string {
  const text = declaration.value
    ? formatValue(declaration.value, event)
    : Buffer.from(event as Uint8Array).toString("hex");
  return `${paint("cyan", titleOf(declaration))} ${text}`;
}
