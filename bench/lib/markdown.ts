/** Tables for the terminal and for documents: Markdown, columns padded. */

export type Cell = string | number | undefined;

export interface Column<Row> {
  readonly title: string;
  readonly of: (row: Row) => Cell;
  readonly align?: "left" | "right";
}

/** A Markdown table; numbers should come formatted. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = rows.map((row) => columns.map(({ of }) => String(of(row) ?? "")));
  const widths = columns.map(({ title }, index) =>
    Math.max(title.length, 3, ...cells.map((line) => line[index]!.length)),
  );
  const isRight = (index: number) => columns[index]!.align !== "left" && index > 0;
  const pad = (text: string, index: number) =>
    isRight(index) ? text.padStart(widths[index]!) : text.padEnd(widths[index]!);
  const line = (texts: readonly string[]) => `| ${texts.map(pad).join(" | ")} |`;
  const dashes = (width: number, index: number) =>
    isRight(index) ? `${"-".repeat(width + 1)}:` : "-".repeat(width + 2);
  const rule = `|${widths.map(dashes).join("|")}|`;
  return [line(columns.map(({ title }) => title)), rule, ...cells.map(line)].join("\n");
}

export function decimals(value: number | undefined, digits: number): string {
  return value === undefined || Number.isNaN(value) ? "" : value.toFixed(digits);
}

/** 1234567 as "1,234,567". */
export function grouped(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}
