import { printYaml } from "../../engine/graph/source.ts";
import { toJson } from "../json.ts";
import type { ClientArguments } from "../options.ts";
import { type Column, formatTable } from "../table.ts";

/** Prints data as it was asked for; `table` makes the form for people. */
export async function show(value: unknown, output: ClientArguments["output"], table: () => string): Promise<void> {
  switch (output) {
    case "json":
      process.stdout.write(`${toJson(value)}\n`);
      return;
    case "yaml":
      process.stdout.write(await printYaml(value));
      return;
    case "table":
      process.stdout.write(`${table().trimEnd()}\n`);
  }
}

/** Rows under titles; a title that begins with ">" heads a column of numbers. */
export function table(titles: readonly string[], rows: readonly (readonly unknown[])[], none = "none"): string {
  if (rows.length === 0) return none;
  const columns = titles.map((title): Column => {
    return title.startsWith(">") ? { title: title.slice(1), align: "right" } : { title };
  });
  return formatTable(
    columns,
    rows.map((row) => row.map((cell) => cellText(cell))),
  );
}

export function cellText(value: unknown): string {
  if (value === undefined || value === null) return "-";
  if (typeof value === "object") return toJson(value);
  return String(value);
}
