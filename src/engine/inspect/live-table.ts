import { IovisorError } from "../../errors.ts";
import { askHost } from "../catalogue/host-failure.ts";
import type { LiveTable } from "../host/host-side.ts";
import type { NumberedInstance } from "../visor/model.ts";
import type { Visor } from "../visor/visor.ts";
import { rowEntry } from "./entry-form.ts";
import { liveInstances } from "./instances.ts";
import type { TableEntry, TablePage } from "./tables.ts";

/** The table of an instance's live contents, if its function has one of that name. */
export function liveTableOf({ model }: NumberedInstance, name: string): LiveTable | undefined {
  const table = model.function.host.live?.table;
  return table?.name === name ? table : undefined;
}

/**
 * The live contents of an instance as a table. Each page is read between two applies, from the writer that wrote what
 * the kernel's word says; in a list of several pages every row is there once that was there all the time.
 */
export class InspectedLiveTable {
  readonly #visor: Visor;
  readonly #instance: string;
  readonly #table: LiveTable;

  constructor(visor: Visor, instance: string, table: LiveTable) {
    this.#visor = visor;
    this.#instance = instance;
    this.#table = table;
  }

  /** @throws E_USAGE for what is no cursor, E_NOT_FOUND when the instance is gone */
  async page(limit: number, cursor?: string): Promise<TablePage> {
    return await this.#visor.read(() => this.#page(limit, cursor));
  }

  /** All entries, so many at a time, read as they are asked for. */
  async *pages(limit: number): AsyncGenerator<readonly TableEntry[]> {
    let cursor: string | undefined;
    do {
      const page = await this.page(limit, cursor);
      yield page.entries;
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  #page(limit: number, after: string | undefined): TablePage {
    const [name, table] = [this.#instance, this.#table];
    const instance = liveInstances(this.#visor).get(name);
    if (!instance || !liveTableOf(instance, table.name)) throw gone(name, table);
    const live = this.#visor.running.live(instance);
    if (!live?.writer.list) throw gone(name, table);
    const { writer, word } = live;
    return askHost(instance.model.function, name, `list of the table "${table.name}"`, () => {
      const entries: TableEntry[] = [];
      let last: string | undefined;
      for (const { row, cursor } of writer.list!(instance.view, { word, after })) {
        if (entries.length === limit) return { entries, cursor: last! };
        entries.push(rowEntry(table.columns, row));
        last = cursor;
      }
      return { entries };
    });
  }
}

function gone(instance: string, { name }: LiveTable): IovisorError {
  const remedy = "`iovisor get instances` lists those that there are";
  return new IovisorError("E_NOT_FOUND", `there is no table "${name}" of "${instance}"`, remedy);
}
