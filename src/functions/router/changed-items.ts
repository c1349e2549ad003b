import { isDeepStrictEqual } from "node:util";
import { isImmutable } from "../../engine/host/immutable.ts";

export interface ChangedItems<Item> {
  readonly removed: readonly Item[];
  readonly added: readonly Item[];
}

function isSame(left: object, right: object): boolean {
  // Of what cannot change, equal parts of two graphs are the same object.
  return left === right || (!(isImmutable(left) && isImmutable(right)) && isDeepStrictEqual(left, right));
}

/** The last answer: several parts of the router ask the same of a revision one after the other. */
let last: { readonly lists: readonly [unknown, unknown]; readonly changed: ChangedItems<unknown> } | undefined;

/**
 * What separates two lists whose order does not matter, with repetitions counted. Items are the same that are one
 * object, or have one text.
 */
export function changedItems<Item extends object>(
  before: readonly Item[],
  after: readonly Item[],
  textOf: (item: Item) => string,
): ChangedItems<Item> {
  if (before === after) return { removed: [], added: [] };
  if (last?.lists[0] === before && last.lists[1] === after) return last.changed as ChangedItems<Item>;
  const others = otherPlaces(before, after);
  const byObject = withoutCommon(others.removed, others.added, (item): unknown => item);
  const changed = withoutCommon(byObject.removed, byObject.added, textOf);
  if (isImmutable(before) && isImmutable(after)) last = { lists: [before, after], changed };
  return changed;
}

/** What is left where nothing moved, and behind and ahead of what moved. */
function otherPlaces<Item extends object>(before: readonly Item[], after: readonly Item[]): ChangedItems<Item> {
  if (before.length === after.length) {
    const changed = after.flatMap((item, index) => (isSame(before[index]!, item) ? [] : [index]));
    return { removed: changed.map((index) => before[index]!), added: changed.map((index) => after[index]!) };
  }
  const shorter = Math.min(before.length, after.length);
  let [start, end] = [0, 0];
  while (start < shorter && isSame(before[start]!, after[start]!)) start++;
  while (end < shorter - start && isSame(before.at(-end - 1)!, after.at(-end - 1)!)) end++;
  return { removed: before.slice(start, before.length - end), added: after.slice(start, after.length - end) };
}

function withoutCommon<Item>(
  before: readonly Item[],
  after: readonly Item[],
  keyOf: (item: Item) => unknown,
): ChangedItems<Item> {
  if (before.length === 0 || after.length === 0) return { removed: before, added: after };
  const left = new Map<unknown, number>();
  for (const item of before) {
    const key = keyOf(item);
    left.set(key, (left.get(key) ?? 0) + 1);
  }
  /** Whether there is one more of the same. */
  const take = (item: Item): boolean => {
    const key = keyOf(item);
    const count = left.get(key) ?? 0;
    if (count > 0) left.set(key, count - 1);
    return count > 0;
  };
  const added = after.filter((item) => !take(item));
  return { removed: before.filter(take), added };
}
