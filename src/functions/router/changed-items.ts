import { isDeepStrictEqual } from "node:util";
import { isImmutable } from "../../engine/host/immutable.ts";

function isSame(left: object, right: object): boolean {
  // Of what cannot change, equal parts of two graphs are the same object.
  return left === right || (!(isImmutable(left) && isImmutable(right)) && isDeepStrictEqual(left, right));
}

/** What separates two lists, in which changes are few: items at a place, or some put in or taken out at one. */
export function changedItems<Item extends object>(
  before: readonly Item[],
  after: readonly Item[],
): { readonly removed: readonly Item[]; readonly added: readonly Item[] } {
  if (before === after) return { removed: [], added: [] };
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
