import { stripVTControlCharacters } from "node:util";
import { paint } from "./terminal.ts";

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
}

/** Rows in columns, two spaces apart, under a heading. Cells may hold colours. */
export function formatTable(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map(({ title }, index) =>
    Math.max(width(title), ...rows.map((row) => width(row[index] ?? ""))),
  );
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ align }, index) => pad(cells[index] ?? "", widths[index]!, align ?? "left"))
      .join("  ")
      .trimEnd();
  const heading = line(columns.map(({ title }) => title));
  return [paint("bold", heading), ...rows.map(line)].join("\n");
}

/** Columns that a text takes on a terminal, colours left out. */
export function width(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

function pad(text: string, columns: number, align: "left" | "right"): string {
  const space = " ".repeat(Math.max(0, columns - width(text)));
  return align === "right" ? space + text : text + space;
}
