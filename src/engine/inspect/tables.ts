import type { MapDeclaration } from "../../compiler/hir/tree.ts";
import { IovisorError } from "../../errors.ts";
import { isPerCpu } from "../../kernel/maps/spec.ts";
import { KernelMap } from "../../kernel/maps.ts";
import { Codec, type HostValue } from "../codec.ts";
import { declaredForm, type EntryForm, type PlainEntry } from "./entry-form.ts";

/** An entry of a table. Of a per-CPU table the value is a list: one value for each processor. */
export type TableEntry = PlainEntry;

export interface TablePage {
  readonly entries: readonly TableEntry[];
  /** Where the next page begins; absent after the last one. */
  readonly cursor?: string;
}

export interface EntryText {
  readonly key: unknown;
  readonly value: unknown;
}

/** A table of an instance: plain values, pages, changes. Holds a descriptor of its own until it is closed. */
export class InspectedTable implements Disposable {
  readonly declaration: MapDeclaration;
  readonly #map: KernelMap;
  readonly #key: Codec;
  readonly #value: Codec;
  readonly #form: EntryForm;

  /** @throws E_USAGE for a map without keys */
  constructor(declaration: MapDeclaration, map: KernelMap, form: EntryForm = declaredForm(declaration)) {
    const { key, value, name } = declaration;
    if (!key || !value) throw new IovisorError("E_USAGE", `"${name}" is no table: it has no keys`, "choose a table");
    this.declaration = declaration;
    this.#form = form;
    this.#map = KernelMap.fromId(map.info().id);
    this.#key = new Codec(key);
    this.#value = new Codec(value);
  }

  /**
   * @param cursor of the page before
   * @throws E_USAGE for what is no cursor, E_CONFLICT when the entry that the page before ended at is gone
   */
  page(limit: number, cursor?: string): TablePage {
    const after = cursor === undefined ? undefined : this.#cursorKey(cursor);
    const entries: TableEntry[] = [];
    let last: Uint8Array | undefined;
    for (const [key, value] of after ? this.#map.entriesAfter(after) : this.#map.entries()) {
      if (entries.length === limit) return { entries, cursor: Buffer.from(last!).toString("base64url") };
      const entry = this.#entry(key, value);
      if (!entry) continue;
      entries.push(entry);
      last = key.slice();
    }
    return { entries };
  }

  /** All entries, read in batches as they are asked for. */
  *all(): Generator<TableEntry> {
    for (const [key, value] of this.#map.entries()) {
      const entry = this.#entry(key, value);
      if (entry) yield entry;
    }
  }

  get(key: unknown): TableEntry | undefined {
    const bytes = this.#keyBytes(key, "key");
    const value = this.#map.lookup(bytes);
    return value && this.#entry(bytes, value);
  }

  /** Writes entries; all are looked at before the first is written. @throws E_USAGE, E_FULL */
  put(entries: readonly EntryText[]): void {
    const encoded = entries.map((text, index) => {
      const path = `entries[${index}]`;
      const { key, value } = this.#form.entry(text, path);
      return [this.#key.encode(key, `${path}.key`), this.#valueBytes(value, `${path}.value`)] as const;
    });
    for (const [key, value] of encoded) {
      if (isPerCpu(this.#map.type)) this.#map.updatePerCpu(key, value);
      else this.#map.update(key, value[0]!);
    }
  }

  /** How many of the keys were there. @throws E_USAGE also for arrays, whose entries always exist */
  delete(keys: readonly unknown[]): number {
    const encoded = keys.map((key, index) => this.#keyBytes(key, `keys[${index}]`));
    return encoded.filter((key) => this.#map.delete(key)).length;
  }

  /** Removes every entry; those of an array become zero. */
  flush(): void {
    this.#map.clear();
  }

  #entry(key: Uint8Array, value: Uint8Array): TableEntry | undefined {
    const values = isPerCpu(this.#map.type) ? this.#map.splitPerCpu(value) : undefined;
    const decoded = values ? values.map((part) => this.#value.decode(part)) : this.#value.decode(value);
    return this.#form.show(this.#key.decode(key), decoded);
  }

  #cursorKey(cursor: string): Uint8Array {
    const key = new Uint8Array(Buffer.from(cursor, "base64url"));
    if (key.length !== this.#map.keySize) {
      throw new IovisorError("E_USAGE", `"${cursor}" is no cursor of this table`, "pass the cursor of the page before");
    }
    if (this.#map.has(key)) return key;
    const message = "the entry that the page before ended at is gone";
    throw new IovisorError("E_CONFLICT", message, "begin anew, or read the table as a stream");
  }

  #keyBytes(key: unknown, path: string): Uint8Array {
    return this.#key.encode(this.#form.key(key, path), path);
  }

  /** One value, or one for each processor: a single one stands for all of them. */
  #valueBytes(value: HostValue, path: string): readonly Uint8Array[] {
    if (!isPerCpu(this.#map.type)) return [this.#value.encode(value, path)];
    const count = this.#map.splitPerCpu(new Uint8Array(this.#map.valueBytes)).length;
    const values = Array.isArray(value) ? value : Array.from({ length: count }, () => value);
    return values.map((one, cpu) => this.#value.encode(one, `${path}[${cpu}]`));
  }

  [Symbol.dispose](): void {
    this.#map.close();
  }
}
