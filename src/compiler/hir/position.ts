/**
 * A place in the source, packed into one safe integer so that HIR stays small: source index, line (1-based, up to
 * 2^20) and column (1-based, up to 1023; the kernel's `line_col` keeps 10 bits for it).
 */
export type Position = number;

export interface SourcePlace {
  readonly source: number;
  readonly line: number;
  readonly column: number;
}

const columns = 1024;
const lines = 2 ** 20;

export function packPosition(source: number, line: number, column: number): Position {
  return (source * lines + Math.min(line, lines - 1)) * columns + Math.min(column, columns - 1);
}

export function unpackPosition(position: Position): SourcePlace {
  const rest = Math.floor(position / columns);
  return { source: Math.floor(rest / lines), line: rest % lines, column: position % columns };
}
