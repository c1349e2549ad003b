/** Many elements per call (Linux 5.6 for hashes and arrays), with single calls where a map type has no batches. */
import { command, mapBatch } from "../sys/bpf.ts";
import { errno } from "../sys/errno.ts";
import type { ElementCalls } from "./elements.ts";

/** Keys and values side by side: entry `i` is at `i * keySize` and `i * valueBytes`. */
export interface PackedEntries {
  readonly count: number;
  readonly keys: Uint8Array;
  readonly values: Uint8Array;
}

/** A map as these functions see it. */
export interface BatchTarget {
  readonly fd: number;
  readonly keySize: number;
  readonly valueBytes: number;
  readonly maxEntries: number;
  readonly elements: ElementCalls;
  readonly fail: (action: string, result: number) => Error;
}

const CHUNK = 1024;
/** A batch cursor is a key, but a hash's is its u32 bucket number. */
const MINIMUM_CURSOR = 4;

function isUnsupported(result: number): boolean {
  return result === -errno.EINVAL || result === -errno.ENOTSUPP || result === -errno.EOPNOTSUPP;
}

/** Entry by entry, from the first one or from the one behind a key that is in the map. */
export function* singleEntries(target: BatchTarget, after?: Uint8Array): Generator<PackedEntries> {
  const { elements } = target;
  if (after) elements.key.set(after);
  let next = elements.next(after === undefined);
  while (next === 0) {
    const keys = elements.key.slice();
    const found = elements.lookup(0);
    const values = elements.value.slice();
    // Step on before the caller sees the entry: it may delete it, and a deleted key leads back to the first one.
    next = elements.next(false);
    const nextKey = elements.key.slice();
    // ENOENT: deleted meanwhile, or a slot of an array of maps or devices that holds nothing.
    if (found < 0 && found !== -errno.ENOENT) throw target.fail("lookup", found);
    if (found === 0) yield { count: 1, keys, values };
    elements.key.set(nextKey);
  }
  if (next !== -errno.ENOENT) throw target.fail("listing keys", next);
}

/**
 * All entries, in chunks of fresh buffers. Entries that change meanwhile can be seen or missed; a hash entry is never
 * seen twice unless it was deleted and added again. With `remove` the entries are deleted as they are read.
 */
export function* packedEntries(target: BatchTarget, remove = false): Generator<PackedEntries> {
  const cursors = [0, 1].map(() => new Uint8Array(Math.max(target.keySize, MINIMUM_CURSOR)));
  const batchCommand = remove ? command.mapLookupAndDeleteBatch : command.mapLookupBatch;
  let capacity = Math.min(CHUNK, Math.max(target.maxEntries, 1));
  let cursorIn: Uint8Array | undefined;
  for (let started = false; ; ) {
    const keys = new Uint8Array(capacity * target.keySize);
    const values = new Uint8Array(capacity * target.valueBytes);
    const cursorOut = cursors[cursorIn === cursors[0] ? 1 : 0];
    const { result, count } = mapBatch(batchCommand, {
      fd: target.fd,
      count: capacity,
      keys,
      values,
      cursorIn,
      cursorOut,
    });
    if (!started && !remove && isUnsupported(result)) return yield* singleEntries(target);
    // One hash bucket holds more than fits: nothing was consumed, so ask again with more room.
    if (result === -errno.ENOSPC) {
      capacity *= 2;
      continue;
    }
    if (result === -errno.EINTR) continue;
    if (result < 0 && result !== -errno.ENOENT) throw target.fail("batch lookup", result);
    if (count > 0) yield { count, keys, values };
    if (result === -errno.ENOENT || (count === 0 && started)) return;
    started = true;
    cursorIn = cursorOut;
  }
}

/** Writes entries in order; on failure those before the entry that the error names are written. */
export function batchUpdate(target: BatchTarget, entries: PackedEntries): void {
  const { count, keys, values } = entries;
  for (let done = 0; done < count; ) {
    const chunk = Math.min(CHUNK, count - done);
    const part = {
      fd: target.fd,
      count: chunk,
      keys: keys.subarray(done * target.keySize),
      values: values.subarray(done * target.valueBytes),
    };
    const outcome = mapBatch(command.mapUpdateBatch, part);
    if (done === 0 && isUnsupported(outcome.result)) {
      singleUpdates(target, entries);
      return;
    }
    if (outcome.result < 0) throw target.fail(`update of entry ${done + outcome.count}`, outcome.result);
    done += chunk;
  }
}

function singleUpdates(target: BatchTarget, { count, keys, values }: PackedEntries): void {
  const { elements, keySize, valueBytes } = target;
  for (let index = 0; index < count; index++) {
    elements.key.set(keys.subarray(index * keySize, (index + 1) * keySize));
    elements.value.set(values.subarray(index * valueBytes, (index + 1) * valueBytes));
    const result = elements.update(0);
    if (result < 0) throw target.fail(`update of entry ${index}`, result);
  }
}

/** Deletes keys; those that are absent count as deleted. Returns how many were there. */
export function batchDelete(target: BatchTarget, keys: Uint8Array): number {
  const count = keys.length / target.keySize;
  let deleted = 0;
  for (let done = 0; done < count; ) {
    const chunk = Math.min(CHUNK, count - done);
    const part = { fd: target.fd, count: chunk, keys: keys.subarray(done * target.keySize) };
    const outcome = mapBatch(command.mapDeleteBatch, part);
    if (done === 0 && isUnsupported(outcome.result)) return singleDeletes(target, keys, count);
    deleted += outcome.count;
    // The kernel stops at an absent key: skip it.
    if (outcome.result === -errno.ENOENT) done += outcome.count + 1;
    else if (outcome.result < 0) throw target.fail("batch delete", outcome.result);
    else done += chunk;
  }
  return deleted;
}

function singleDeletes(target: BatchTarget, keys: Uint8Array, count: number): number {
  const { elements, keySize } = target;
  let deleted = 0;
  for (let index = 0; index < count; index++) {
    elements.key.set(keys.subarray(index * keySize, (index + 1) * keySize));
    const result = elements.delete();
    if (result === 0) deleted++;
    else if (result !== -errno.ENOENT) throw target.fail("delete", result);
  }
  return deleted;
}
