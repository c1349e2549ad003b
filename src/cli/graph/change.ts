import type { Applied, Edit, GraphDocument, Plan } from "../../api/graph.ts";
import { Client, pathOf } from "../client/client.ts";
import type { ChangeArguments, ClientArguments } from "../options.ts";
import { show } from "../show/output.ts";
import { parseConfig } from "./config.ts";
import { absoluteKind, inTermsOf, readGraphFile } from "./graph-file.ts";
import { parsePort } from "./port.ts";

export interface ApplyArguments extends ChangeArguments {
  readonly file: string;
  readonly expected?: number;
}

/** `iovisor apply`. */
export async function applyFile({ file, expected, ...args }: ApplyArguments): Promise<void> {
  const client = new Client(args);
  const graph = await readGraphFile(file, client);
  const body = { graph, ...commented(args), ...(expected === undefined ? {} : { expected }) };
  const sent = client.send<Applied>("POST", "/v1/apply", { body });
  const { value } = await sent.catch(inTermsOf(file, "/graph"));
  await showApplied(value, args);
}

/** `iovisor plan`. */
export async function planFile({ file, ...args }: ClientArguments & { readonly file: string }): Promise<void> {
  const client = new Client(args);
  const body = await readGraphFile(file, client);
  const { value } = await client.send<Plan>("POST", "/v1/plan", { body }).catch(inTermsOf(file));
  await show(value, args.output, () => value.text || "nothing would change");
}

/** `iovisor rollback`. */
export async function rollback(number: number, args: ChangeArguments): Promise<void> {
  const path = pathOf("revisions", String(number), "rollback");
  const { value } = await new Client(args).send<Applied>("POST", path, { body: commented(args) });
  await showApplied(value, args);
}

/** Commands that change the live graph in places. */
export async function makeEdits(edits: readonly Edit[], args: ChangeArguments, etag?: string): Promise<void> {
  const body = { edits, ...commented(args) };
  const headers = etag === undefined ? {} : { "if-match": etag };
  const { value } = await new Client(args).send<Applied>("POST", "/v1/graph/edits", { body, headers });
  await showApplied(value, args);
}

export interface CreateArguments extends ChangeArguments {
  readonly port: readonly string[];
  readonly set: readonly string[];
}

/** `iovisor create`. */
export async function createInstance(kind: string, name: string, args: CreateArguments): Promise<void> {
  const ports = args.port.map(parsePort);
  const of = absoluteKind(kind, process.cwd());
  await makeEdits([{ kind: "createInstance", name, function: of, config: parseConfig(args.set), ports }], args);
}

export interface EditArguments extends ChangeArguments {
  readonly port?: string;
  readonly unset: readonly string[];
}

/**
 * `iovisor edit`. Members inside of a setting are placed into it as it is: the daemon refuses the change when somebody
 * else made another one in between.
 */
export async function editInstance(name: string, settings: readonly string[], args: EditArguments): Promise<void> {
  const { value: graph, etag } = await new Client(args).send<GraphDocument>("GET", "/v1/graph");
  const instance = Object.hasOwn(graph.functions ?? {}, name) ? graph.functions![name] : undefined;
  const before = args.port === undefined ? instance?.config : instance?.ports?.[args.port];
  const names = new Set(settings.map((text) => text.split(/[.=]/, 1)[0]));
  const changed = Object.entries(parseConfig(settings, (before ?? {}) as ReturnType<typeof parseConfig>));
  const config = Object.fromEntries([
    ...changed.filter(([key]) => names.has(key)),
    ...args.unset.map((key) => [key, null] as const),
  ]);
  const edit: Edit =
    args.port === undefined
      ? { kind: "editInstance", name, config }
      : { kind: "editPort", name, port: args.port, settings: config };
  await makeEdits([edit], args, etag);
}

function commented({ comment }: ChangeArguments): { readonly comment?: string } {
  return comment === undefined ? {} : { comment };
}

async function showApplied(applied: Applied, { output }: ClientArguments): Promise<void> {
  await show(applied, output, () => {
    const { revision, changed, text, renewed, seconds } = applied;
    if (!changed) return `nothing to change: revision ${revision.number} is like that`;
    const lost = Object.entries(renewed).map(([table, reason]) => `! ${table} begins anew: ${reason}\n`);
    return `${text}${lost.join("")}revision ${revision.number} is live after ${Math.round(seconds * 1000)} ms`;
  });
}
