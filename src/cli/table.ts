import { stripVTControlCharacters } from "node:util";
import { paint } from "./terminal.ts";

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
  /** Its cells may be broken into lines where the table is too wide. They hold no colours. */
  readonly wrap?: boolean;
}

/**
 * Rows in columns, two spaces apart, under a heading. Cells may hold colours.
 *
 * @param room columns that the table may take: cells of columns that wrap go on in further lines.
 */
export function formatTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  room = Number.POSITIVE_INFINITY,
): string {
  const natural = columns.map(({ title }, index) =>
    Math.max(width(title), ...rows.map((row) => width(row[index] ?? ""))),
  );
  const widths = fitted(columns, natural, room);
  const line = (cells: readonly string[]): string =>
    columns
      .map(({ align }, index) => pad(cells[index] ?? "", widths[index]!, align ?? "left"))
      .join(gap)
      .trimEnd();
  const lines = (cells: readonly string[]): readonly string[] => {
    const wrapped = columns.map(({ wrap }, index) => {
      const cell = cells[index] ?? "";
      return wrap ? wrapText(cell, widths[index]!) : [cell];
    });
    const height = Math.max(...wrapped.map((parts) => parts.length));
    return Array.from({ length: height }, (_, at) => line(wrapped.map((parts) => parts[at] ?? "")));
  };
  const heading = line(columns.map(({ title }) => title));
  return [paint("bold", heading), ...rows.flatMap(lines)].join("\n");
}

const gap = "  ";
/** A column of words that is narrower than this cannot be read. */
const leastWrapped = 16;

/** Widths of columns that fit into a room, as far as those can be made narrower that wrap: the widest first. */
function fitted(columns: readonly Column[], natural: readonly number[], room: number): readonly number[] {
  const widths = [...natural];
  let excess = widths.reduce((sum, one) => sum + one, gap.length * (columns.length - 1)) - room;
  while (excess > 0) {
    const wide = widths.flatMap((one, index) => (columns[index]!.wrap && one > leastWrapped ? [index] : []));
    if (wide.length === 0) break;
    const widest = wide.reduce((most, index) => (widths[index]! > widths[most]! ? index : most));
    widths[widest]!--;
    excess--;
  }
  return widths;
}

/** A text in lines, broken at spaces, or within words that are wider than a line. Nothing of it is left out. */
export function wrapText(text: string, columns: number): readonly string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (width(longer) <= columns) {
      line = longer;
      continue;
    }
    if (line !== "") lines.push(line);
    const characters = [...word];
    while (characters.length > columns) lines.push(characters.splice(0, columns).join(""));
    line = characters.join("");
  }
  return [...lines, line];
}

/** Columns that a text takes on a terminal, colours left out. */
export function width(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

function pad(text: string, columns: number, align: "left" | "right"): string {
  const space = " ".repeat(Math.max(0, columns - width(text)));
  return align === "right" ? space + text : text + space;
}
