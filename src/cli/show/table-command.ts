import type { Deleted, Entry, Written } from "../../api/instances.ts";
import { IovisorError } from "../../errors.ts";
import { Client, pathOf } from "../client/client.ts";
import { readValue } from "../graph/config.ts";
import type { ClientArguments } from "../options.ts";
import { show, table } from "./output.ts";

export interface TableArguments extends ClientArguments {
  readonly limit?: number;
}

/** Rows that are put in columns together: more would take long until the first is seen. */
const rowsTogether = 1000;

/** `iovisor table`. */
export async function tableCommand(
  instance: string,
  name: string,
  action: string,
  words: readonly string[],
  args: TableArguments,
): Promise<void> {
  const client = new Client(args);
  const path = (...more: readonly string[]): string => pathOf("instances", instance, "tables", name, ...more);
  switch (action) {
    case "list":
      if (words.length > 0) throw usage("`list` takes nothing more", "leave it out");
      return await list(client, path(), args);
    case "add": {
      const body = { entries: words.map(parseEntry) };
      const { value } = await client.send<Written>("POST", path("entries"), { body });
      return await show(value, args.output, () => `${value.written} written`);
    }
    case "delete": {
      const { value } = await client.send<Deleted>("DELETE", path("entries"), { body: { keys: words.map(readValue) } });
      return await show(value, args.output, () => `${value.deleted} deleted`);
    }
    default: {
      const { value } = await client.send<Written>("POST", path("flush"));
      await show(value, args.output, () => "flushed");
    }
  }
}

/** All entries as they come; columns are as wide as the first thousand rows need. */
async function list(client: Client, path: string, { output, limit = Infinity }: TableArguments): Promise<void> {
  const rows: Entry[] = [];
  const flush = async (): Promise<void> => {
    if (rows.length === 0) return;
    if (output === "table") process.stdout.write(`${renderEntries(rows)}\n`);
    else if (output === "yaml") await show(rows, output, () => "");
    rows.length = 0;
  };
  let seen = 0;
  for await (const line of client.lines(path, { accept: "application/x-ndjson" })) {
    if (line === "" || seen++ >= limit) break;
    if (output === "json") {
      if (!process.stdout.write(`${line}\n`)) await new Promise((resolve) => process.stdout.once("drain", resolve));
      continue;
    }
    rows.push(JSON.parse(line) as Entry);
    if (rows.length === rowsTogether) await flush();
  }
  await flush();
  if (seen === 0 && output === "table") process.stdout.write("no entries\n");
}

function renderEntries(entries: readonly Entry[]): string {
  const flat = entries.map(({ key, value }) => [...members("key", key), ...members("value", value)]);
  return table(
    flat[0]!.map(([title, value]) => (typeof value === "number" ? `>${title}` : title)),
    flat.map((row) => row.map(([, value]) => value)),
  );
}

/** Members of objects have columns of their own. */
function members(name: string, value: unknown): readonly (readonly [string, unknown])[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [[name, value]];
  return Object.entries(value).flatMap(([inner, one]) =>
    members(name === "key" || name === "value" ? inner : `${name}.${inner}`, one),
  );
}

/** `KEY=VALUE`; both are JSON, or a text. */
function parseEntry(text: string): Entry {
  // An object as the key has equals signs in its texts at most: then the value is behind its closing brace.
  const equals = /^[{[]/.test(text) ? text.search(/[}\]]=/) + 1 : text.indexOf("=");
  if (equals <= 0) throw usage(`"${text}" is no entry`, "write KEY=VALUE, each as JSON or as a text");
  return { key: readValue(text.slice(0, equals)), value: readValue(text.slice(equals + 1)) };
}

function usage(message: string, remedy: string): IovisorError {
  return new IovisorError("E_USAGE", message, remedy);
}
