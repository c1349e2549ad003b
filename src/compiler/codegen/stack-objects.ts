import type { Position } from "../hir/position.ts";
import type { IrFunction } from "../ir/ir.ts";

/** How many places a message names. */
const mostNamed = 4;
/** Bytes; what is smaller explains nothing. */
const worthNaming = 16;

/** The objects on the stack that take the most, in words: a function that is inlined twice has its own twice. */
export function greatestObjects(
  functions: readonly IrFunction[],
  nameOfPlace: (at: Position) => string,
): readonly string[] {
  const places = new Map<string, { readonly size: number; count: number }>();
  for (const { size, at } of functions.flatMap(objectsOf)) {
    if (size < worthNaming) continue;
    const text = `${size} at ${nameOfPlace(at)}`;
    const place = places.get(text) ?? { size, count: 0 };
    place.count++;
    places.set(text, place);
  }
  return [...places]
    .sort(([, left], [, right]) => right.size * right.count - left.size * left.count)
    .slice(0, mostNamed)
    .map(([text, { count }]) => (count > 1 ? `${count} times ${text}` : text));
}

/** The stack slots in use, each where it is first named. */
function objectsOf(fn: IrFunction): readonly { readonly size: number; readonly at: Position }[] {
  const named = new Map<number, Position>();
  for (const i of fn.blocks.flatMap(({ instructions }) => instructions)) {
    // What the compiler adds on its own has no place.
    if (i.kind === "slotAddress" && i.at !== 0 && !named.has(i.slot)) named.set(i.slot, i.at);
  }
  return fn.slots.flatMap(({ id, size }) => {
    const at = named.get(id);
    return at === undefined ? [] : [{ size, at }];
  });
}
