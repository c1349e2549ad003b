import { type ErrorCode, IovisorError } from "../../errors.ts";
import type { DataPath } from "../datapath/data-path.ts";
import type { Graph } from "../graph/types.ts";
import { clearIntent, getJson, intent, putJson, setIntent } from "../store/records.ts";
import { currentRevision, listRevisions, type Revision, revisionGraph, settleRevision } from "../store/revisions.ts";
import type { Store } from "../store/store.ts";
import type { DataPathRecord } from "./record.ts";
import { isInForce, type RuleMark } from "./rule-maps.ts";

export const visorCollection = "visor";

/** What is written ahead of a commit is of use while the kernel keeps what it speaks of. */
export const untilReboot = { durable: false } as const;

export type StoreTransaction = Parameters<Parameters<Store["transact"]>[0]>[0];

/** What a store says is live. */
export interface StoredGraph {
  readonly revision: Revision | undefined;
  readonly graph: Graph | undefined;
  readonly record: DataPathRecord | undefined;
}

/** Why a stored graph could not be taken over. */
export interface Degraded {
  readonly code: ErrorCode;
  readonly message: string;
  readonly remedy: string;
  readonly since: Date;
  readonly cause: unknown;
}

/** Makes what is about to be committed durable. */
export async function intend(
  transaction: StoreTransaction,
  next: { readonly record: DataPathRecord; readonly rules: RuleMark | undefined; readonly revision: number },
): Promise<void> {
  const { record, rules, revision } = next;
  await setIntent(transaction, { revision, generation: record.generation, ...(rules ? { rules } : {}) });
  await putJson(transaction, visorCollection, "next", record);
}

/**
 * After a process that ended in whatever way: the generation in the kernel, or where packets begin in a map of rules,
 * says whether the apply that it was in took effect.
 */
export async function recoverStore(store: Store, { generation, pins }: DataPath): Promise<StoredGraph> {
  return await store.transact(async (transaction) => {
    const pending = await intent(transaction);
    if (pending) {
      const { rules, revision } = pending;
      const took = pending.generation === generation.value && (!rules || isInForce(rules, (pin) => pins.exists(pin)));
      if (took) await promote(transaction);
      if (revision > 0) {
        const outcome = took
          ? ({ state: "committed" } as const)
          : ({ state: "failed", reason: "the process ended during the apply" } as const);
        await settleRevision(transaction, revision, outcome);
      }
      await transaction.delete(visorCollection, "next");
      await clearIntent(transaction);
    }
    await settleOrphans(transaction);
    const revision = await currentRevision(transaction);
    const graph = revision && (await revisionGraph(transaction, revision));
    return { revision, graph, record: await getJson<DataPathRecord>(transaction, visorCollection, "datapath") };
  });
}

async function promote(transaction: StoreTransaction): Promise<void> {
  const next = await getJson<DataPathRecord>(transaction, visorCollection, "next");
  if (next) await putJson(transaction, visorCollection, "datapath", next);
}

/** Revisions that were prepared by a process that died before it touched the kernel. */
async function settleOrphans(transaction: StoreTransaction): Promise<void> {
  for (const { number, state } of await listRevisions(transaction, 16)) {
    if (state !== "prepared") continue;
    await settleRevision(transaction, number, { state: "failed", reason: "the process ended before the apply" });
  }
}

export function isStoreError(error: unknown): boolean {
  return error instanceof IovisorError && error.code === "E_STORE";
}

export function degradedBy(cause: unknown, since: Date): Degraded {
  if (cause instanceof IovisorError) {
    const { code, message, remedy } = cause;
    return { code, message, remedy, since, cause };
  }
  const message = cause instanceof Error ? cause.message : String(cause);
  return { code: "E_UNEXPECTED", message, remedy: "apply another graph, and report this", since, cause };
}

/** What needs the functions of a graph has to wait. */
export function refusalOf({ code, message, remedy }: Degraded): IovisorError {
  const why = message.replaceAll("\n", "\n  ");
  return new IovisorError(
    "E_DEGRADED",
    `the stored graph could not be taken over (${code}): ${why}`,
    `${remedy}; then it is taken over within a minute or by \`iovisor apply\`. A graph without it can be applied as well`,
  );
}
