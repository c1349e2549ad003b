import { Readable } from "node:stream";
import { setImmediate } from "node:timers/promises";
import {
  Deleted,
  type Entry,
  Keys,
  NewEntries,
  type TablePage as Page,
  PageQuery,
  TablePage,
  Tables,
  Written,
  type Written as WrittenAnswer,
} from "../../api/instances.ts";
import { viewedForm } from "../../engine/inspect/entry-form.ts";
import { tablesOf } from "../../engine/inspect/instances.ts";
import { InspectedLiveTable, liveTableOf } from "../../engine/inspect/live-table.ts";
import { InspectedTable } from "../../engine/inspect/tables.ts";
import { IovisorError } from "../../errors.ts";
import { type DaemonContext, instanceNamed } from "../context.ts";
import { toJson } from "../json.ts";
import { notFound } from "../problems.ts";
import { type Resource, route } from "./resource.ts";

interface TableParameters {
  readonly name: string;
  readonly table: string;
}

const ndjson = "application/x-ndjson";
const usualLimit = 1000;
/** Entries in one piece of a stream. */
const chunkEntries = 512;

/** The tables of an instance: pages and streams of entries, and changes of tables that hold state. */
export const tables: Resource = (app, context) => {
  app.get<{ Params: { name: string } }>(
    "/v1/instances/:name/tables",
    { schema: route({ summary: "Tables of an instance", answer: Tables }) },
    async (request) => ({ tables: tablesOf(context.visor, instanceNamed(context, request.params.name)) }),
  );

  app.get<{ Params: TableParameters; Querystring: { limit?: number; cursor?: string } }>(
    "/v1/instances/:name/tables/:table",
    {
      schema: route({
        summary: `Entries of a table: a page, or with \`Accept: ${ndjson}\` all of them as a stream of lines`,
        ...{ query: PageQuery, answer: TablePage },
      }),
    },
    async (request, reply): Promise<Page | undefined> => {
      const { limit = usualLimit, cursor } = request.query;
      const live = openLive(context, request.params);
      if (request.headers.accept?.includes(ndjson)) {
        const text = live ? await liveLines(live) : lines(open(context, request.params));
        return await reply.type(ndjson).send(Readable.from(text, { objectMode: false }));
      }
      if (live) return await live.page(limit, cursor);
      using table = open(context, request.params);
      return table.page(limit, cursor);
    },
  );

  app.post<{ Params: TableParameters; Body: { entries: readonly Entry[] } }>(
    "/v1/instances/:name/tables/:table/entries",
    { schema: route({ summary: "Write entries", body: NewEntries, answer: Written }) },
    async (request): Promise<WrittenAnswer> => {
      using table = openForChange(context, request.params);
      table.put(request.body.entries);
      return { written: request.body.entries.length };
    },
  );

  app.delete<{ Params: TableParameters; Body: { keys: readonly unknown[] } }>(
    "/v1/instances/:name/tables/:table/entries",
    { schema: route({ summary: "Delete entries by their keys", body: Keys, answer: Deleted }) },
    async (request) => {
      using table = openForChange(context, request.params);
      return { deleted: table.delete(request.body.keys) };
    },
  );

  app.post<{ Params: TableParameters }>(
    "/v1/instances/:name/tables/:table/flush",
    { schema: route({ summary: "Delete every entry", answer: Written }) },
    async (request) => {
      using table = openForChange(context, request.params);
      refuseFlush(context, request.params);
      table.flush();
      return { written: 0 };
    },
  );
};

function* lines(opened: InspectedTable): Generator<string> {
  using table = opened;
  let chunk: string[] = [];
  for (const entry of table.all()) {
    chunk.push(`${toJson(entry)}\n`);
    if (chunk.length < chunkEntries) continue;
    yield chunk.join("");
    chunk = [];
  }
  yield chunk.join("");
}

/** The first page comes ahead of the stream: what is wrong is an answer of its own. */
async function liveLines(table: InspectedLiveTable): Promise<AsyncGenerator<string>> {
  const pages = table.pages(chunkEntries);
  const first = await pages.next();
  return (async function* () {
    for (let next = first; !next.done; next = await pages.next()) {
      yield next.value.map((entry) => `${toJson(entry)}\n`).join("");
      // Whoever takes all at once leaves other requests no turn between two pages.
      await setImmediate();
    }
  })();
}

function openLive(context: DaemonContext, { name, table }: TableParameters): InspectedLiveTable | undefined {
  const live = liveTableOf(instanceNamed(context, name), table);
  return live && new InspectedLiveTable(context.visor, name, live);
}

function open(context: DaemonContext, { name, table }: TableParameters): InspectedTable {
  const instance = instanceNamed(context, name);
  const known = tablesOf(context.visor, instance).some((one) => one.name === table);
  const map = known ? context.visor.running.map(name, table) : undefined;
  const view = instance.model.function.host.tableViews?.find((one) => one.map === table);
  if (map) return new InspectedTable(map.declaration, map.map, view && viewedForm(view, instance));
  throw notFound(`table "${table}" of "${name}"`, `\`iovisor describe instance ${name}\` lists its tables`);
}

function refuseFlush(context: DaemonContext, { name, table }: TableParameters): void {
  const { host } = instanceNamed(context, name).model.function;
  if (host.tableViews?.find((one) => one.map === table)?.flush ?? true) return;
  throw new IovisorError("E_USAGE", `table "${table}" of "${name}" cannot be flushed`, "delete entries one by one");
}

function openForChange(context: DaemonContext, parameters: TableParameters): InspectedTable {
  const { name, table } = parameters;
  const instance = instanceNamed(context, name);
  const report = tablesOf(context.visor, instance).find((one) => one.name === table);
  if (report?.holds !== "configuration") return open(context, parameters);
  const message = `table "${table}" of "${name}" follows from the configuration`;
  const remedy = liveTableOf(instance, table)?.remedy ?? "change the instance's configuration instead";
  throw new IovisorError("E_USAGE", message, remedy);
}
