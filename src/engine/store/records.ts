import type { Transaction } from "./store.ts";

/** A value of a collection as JSON. */
export async function getJson<T>(transaction: Transaction, collection: string, key: string): Promise<T | undefined> {
  const entry = await transaction.get(collection, key);
  return entry && decodeJson<T>(entry.value);
}

export async function putJson(
  transaction: Transaction,
  collection: string,
  key: string,
  value: unknown,
): Promise<void> {
  await transaction.put(collection, key, new TextEncoder().encode(JSON.stringify(value)));
}

export function decodeJson<T>(value: Uint8Array): T {
  return JSON.parse(new TextDecoder().decode(value)) as T;
}

/** What an apply is about to commit: written before the datapath is switched, gone when the outcome is recorded. */
export interface Intent {
  readonly revision: number;
  /** The datapath's generation that the apply will switch to. */
  readonly generation: number;
  /** For an apply that changes rules in a map and nothing else: where they begin when they are in force. */
  readonly rules?: { readonly pin: string; readonly root: number };
}

export async function intent(transaction: Transaction): Promise<Intent | undefined> {
  return await getJson<Intent>(transaction, "intent", "apply");
}

/** One that is there still is of an apply that was taken back while the store failed: there is one apply at a time. */
export async function setIntent(transaction: Transaction, value: Intent): Promise<void> {
  await putJson(transaction, "intent", "apply", value);
}

export async function clearIntent(transaction: Transaction): Promise<void> {
  await transaction.delete("intent", "apply");
}

/** What an instance's host side keeps across restarts; its own format. */
export async function functionState(transaction: Transaction, instance: string): Promise<Uint8Array | undefined> {
  return (await transaction.get("state", instance))?.value;
}

export async function setFunctionState(transaction: Transaction, instance: string, state: Uint8Array): Promise<void> {
  await transaction.put("state", instance, state);
}

export async function clearFunctionState(transaction: Transaction, instance: string): Promise<void> {
  await transaction.delete("state", instance);
}
