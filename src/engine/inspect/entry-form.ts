import type { MapDeclaration } from "../../compiler/hir/tree.ts";
import { IovisorError } from "../../errors.ts";
import { askHost } from "../catalogue/host-failure.ts";
import type { HostValue } from "../codec.ts";
import type { TableColumn, TableContext, TableEntry, TableRow, TableView } from "../host/table-view.ts";
import { kernelTicks } from "../host/ticks.ts";
import type { NumberedInstance } from "../visor/model.ts";
import { hostValueOf, type PlainValue, plainValue } from "./plain-value.ts";

export interface PlainEntry {
  readonly key: PlainValue;
  readonly value: PlainValue;
}

/** How the entries of a table are written for people and programs. */
export interface EntryForm {
  /** Undefined for an entry that means nothing any more. Of a per-CPU table the value is a list. */
  show(key: HostValue, value: HostValue): PlainEntry | undefined;
  /** @throws E_USAGE */
  entry(text: { readonly key: unknown; readonly value: unknown }, path: string): TableEntry;
  /** @throws E_USAGE */
  key(text: unknown, path: string): HostValue;
}

/** Entries as the kernel module declares them. */
export function declaredForm({ key: keyLayout, value: valueLayout }: MapDeclaration): EntryForm {
  return {
    show: (key, value) => ({ key: plainValue(key), value: plainValue(value) }),
    entry: ({ key, value }) => ({
      key: hostValueOf(keyLayout!, key) as HostValue,
      value: (Array.isArray(value)
        ? value.map((one) => hostValueOf(valueLayout!, one))
        : hostValueOf(valueLayout!, value)) as HostValue,
    }),
    key: (key) => hostValueOf(keyLayout!, key) as HostValue,
  };
}

/** Entries as a host side shows them: the columns that tell them apart are the key, the others the value. */
export function viewedForm(view: TableView, { model, view: instance }: NumberedInstance): EntryForm {
  const context = contextOf(instance);
  const { name, function: of } = model;
  const ask = <T>(part: string, work: () => T): T => askHost(of, name, `${part} of the table "${view.map}"`, work);
  return {
    show: (key, value) => {
      const row = ask("show", () => view.show({ key, value }, context));
      return row && rowEntry(view.columns, row);
    },
    entry: ({ key, value }, path) => {
      if (!view.parse) throw refused(view, "takes no entries", "see the function's README for what fills it");
      const row = { ...keyRow(view, key, `${path}.key`), ...rowOf(view, value, `${path}.value`) };
      return ask("parse", () => view.parse!(withDefaults(view, row), context));
    },
    key: (key, path) => {
      if (!view.parseKey)
        throw refused(view, "has no entries that can be deleted one by one", "flush it, if it can be");
      const row = keyRow(view, key, path);
      return ask("parseKey", () => view.parseKey!(withDefaults(view, row), context));
    },
  };
}

/** The columns that tell rows apart are the key, the others the value. */
export function rowEntry(columns: readonly TableColumn[], row: TableRow): PlainEntry {
  const key: Record<string, PlainValue> = {};
  const value: Record<string, PlainValue> = {};
  for (const column of columns) {
    const cell = row[column.name];
    if (cell !== undefined) (column.key ? key : value)[column.name] = cell;
  }
  return { key, value };
}

/** Reading the kernel's clock takes a program of its own: tables without times do without. */
function contextOf(instance: TableContext["instance"]): TableContext {
  let ticks: TableContext["ticks"] | undefined;
  return {
    instance,
    get ticks() {
      return (ticks ??= kernelTicks());
    },
  };
}

/** Where one column is the key, its value alone will do. */
function keyRow(view: TableView, key: unknown, path: string): TableRow {
  const [first, ...more] = view.columns.filter((column) => column.key);
  const single = first !== undefined && more.length === 0 && (typeof key !== "object" || key === null);
  return rowOf(view, single ? { [first.name]: key } : key, path);
}

function rowOf(view: TableView, value: unknown, path: string): TableRow {
  const given = view.columns.filter((column) => !column.computed).map((column) => column.name);
  const expected = `an object of ${given.join(", ")}`;
  const wrong = (message: string): IovisorError => new IovisorError("E_USAGE", `${path}${message}`, `give ${expected}`);
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong(`: expected ${expected}`);
  for (const [name, one] of Object.entries(value)) {
    if (!given.includes(name)) throw wrong(`.${name}: no such column that can be given; there is ${given.join(", ")}`);
    if (!["string", "number", "boolean"].includes(typeof one)) throw wrong(`.${name}: expected a text or a number`);
  }
  return value as TableRow;
}

function withDefaults({ columns }: TableView, row: TableRow): TableRow {
  const defaults = columns.flatMap((column) => (column.default === undefined ? [] : [[column.name, column.default]]));
  return { ...Object.fromEntries(defaults), ...row };
}

function refused({ map }: TableView, message: string, remedy: string): IovisorError {
  return new IovisorError("E_USAGE", `table "${map}" ${message}`, remedy);
}
