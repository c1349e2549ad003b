import { formatMac, parseMac } from "../../capture/address.ts";
import { IovisorError } from "../../errors.ts";
import type { HostValue } from "../codec.ts";
import { showValue } from "../show-value.ts";
import type { InstanceView } from "./host-side.ts";

/** An entry as people see it: a value for each column. */
export type TableRow = Readonly<Record<string, string | number | boolean>>;

/** An entry as the kernel module's map has it. */
export interface TableEntry {
  readonly key: HostValue;
  readonly value: HostValue;
}

export interface TableColumn {
  /** Of the value in rows: a letter, then letters and digits. */
  readonly name: string;
  /** A heading for people. */
  readonly title: string;
  readonly type: "text" | "number" | "boolean";
  /** The columns that tell entries apart: what it takes to delete one. */
  readonly key?: true;
  /** It is only shown: rows that are added leave it out. */
  readonly computed?: true;
  /** What rows that are added may leave out stands for. */
  readonly default?: string | number | boolean;
}

/** What surrounds a look at a table. */
export interface TableContext {
  readonly instance: InstanceView;
  /** The kernel's clock ticks. */
  readonly ticks: { readonly perSecond: number; now(): bigint };
}

/**
 * How people see and edit a map of a kernel module. Entries of such a table can always be listed and all be removed
 * (`flush` says whether that makes sense); what else can be done is what is there.
 */
export interface TableView {
  /** The map's name in the kernel module. */
  readonly map: string;
  readonly title: string;
  readonly columns: readonly TableColumn[];
  /** Whether all entries may be removed at once. */
  readonly flush: boolean;
  /** Undefined for an entry that is there and means nothing any more, such as one that is too old. */
  show(entry: TableEntry, context: TableContext): TableRow | undefined;
  /** The entry of a row that is to be added or changed. Absent: rows cannot be added. @throws E_USAGE */
  parse?(row: TableRow, context: TableContext): TableEntry;
  /** The key of the row that is to be deleted. Absent: rows cannot be deleted one by one. @throws E_USAGE */
  parseKey?(row: TableRow, context: TableContext): HostValue;
}

function wrong(row: TableRow, column: string, expected: string): IovisorError {
  const given = column in row ? showValue(row[column]) : "nothing";
  return new IovisorError("E_USAGE", `${column}: expected ${expected}, got ${given}`, `give ${column} as ${expected}`);
}

/** A whole number within limits. */
export function numberIn(row: TableRow, column: string, least: number, most: number): number {
  const value = Number(row[column]);
  if (
    row[column] !== "" &&
    typeof row[column] !== "boolean" &&
    Number.isInteger(value) &&
    value >= least &&
    value <= most
  )
    return value;
  throw wrong(row, column, `a number from ${least} to ${most}`);
}

/** The bytes of a MAC address. */
export function macIn(row: TableRow, column: string): Uint8Array {
  const bytes = parseMac(String(row[column]));
  if (bytes) return bytes;
  throw wrong(row, column, "a MAC address such as 02:00:00:00:00:01");
}

/** One of the instance's ports. */
export function portIn(row: TableRow, column: string, { instance }: TableContext): InstanceView["ports"][number] {
  const port = instance.ports.find(({ name }) => name === row[column]);
  if (port) return port;
  throw wrong(row, column, `a port of ${instance.name} (${instance.ports.map(({ name }) => name).join(", ")})`);
}

export { formatMac, parseMac };
