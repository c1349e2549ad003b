import { canonicalText, hashOfText } from "../graph/canonical.ts";
import { readDocument } from "../graph/read.ts";
import type { Graph } from "../graph/types.ts";
import { decodeJson, getJson, putJson } from "./records.ts";
import type { Transaction } from "./store.ts";

/** "prepared": known, not yet in force. Then the apply commits it, or fails. */
export type RevisionState = "prepared" | "committed" | "failed";

export interface Revision {
  /** From 1 on, each used once. */
  readonly number: number;
  /** When it was made, ISO 8601 in UTC. */
  readonly time: string;
  /** `graphHash` of its graph. */
  readonly hash: string;
  readonly author: string;
  readonly comment: string;
  readonly state: RevisionState;
  /** Why it failed. */
  readonly reason?: string;
}

const collection = "revision";
/** Graphs by their hash: a revision that goes back to an earlier graph takes no room. */
const graphs = "graph";

/** Keys in the order of numbers. */
function keyOf(number: number): string {
  return String(number).padStart(12, "0");
}

export async function addRevision(
  transaction: Transaction,
  graph: Graph,
  { author, comment, time }: { readonly author: string; readonly comment: string; readonly time: Date },
): Promise<Revision> {
  const [last] = await transaction.list(collection, { reverse: true, limit: 1 });
  const number = last === undefined ? 1 : decodeJson<Revision>(last.value).number + 1;
  const text = new TextEncoder().encode(canonicalText(graph));
  const hash = hashOfText(text);
  const revision: Revision = { number, time: time.toISOString(), hash, author, comment, state: "prepared" };
  await transaction.put(graphs, hash, text);
  await putJson(transaction, collection, keyOf(number), revision);
  return revision;
}

/** Records how the apply of a prepared revision ended. */
export async function settleRevision(
  transaction: Transaction,
  number: number,
  outcome: { readonly state: "committed" } | { readonly state: "failed"; readonly reason: string },
): Promise<Revision> {
  const revision = await findRevision(transaction, number);
  if (revision?.state !== "prepared")
    throw new Error(`revision ${number} is ${revision?.state ?? "not there"}, not prepared`);
  const settled: Revision = { ...revision, ...outcome };
  await putJson(transaction, collection, keyOf(number), settled);
  return settled;
}

export async function findRevision(transaction: Transaction, number: number): Promise<Revision | undefined> {
  return await getJson<Revision>(transaction, collection, keyOf(number));
}

/** Newest first. */
export async function listRevisions(transaction: Transaction, limit?: number): Promise<readonly Revision[]> {
  const entries = await transaction.list(collection, { reverse: true, ...(limit === undefined ? {} : { limit }) });
  return entries.map((entry) => decodeJson<Revision>(entry.value));
}

/** The newest committed revision: what the datapath runs. */
export async function currentRevision(transaction: Transaction): Promise<Revision | undefined> {
  return (await listRevisions(transaction)).find((revision) => revision.state === "committed");
}

export async function revisionGraph(transaction: Transaction, { number, hash }: Revision): Promise<Graph> {
  const document = await getJson(transaction, graphs, hash);
  if (document === undefined) throw new Error(`the graph of revision ${number} is missing`);
  return readDocument(document).graph;
}
