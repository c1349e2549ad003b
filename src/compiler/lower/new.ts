import { type Layout, sizeOf } from "../hir/layout.ts";
import type { NewExpression } from "../hir/tree.ts";
import { lowerExpression } from "./expressions.ts";
import type { Lowered, Reference } from "./lowered.ts";
import type { Lowering } from "./lowering.ts";
import { clearBytes, copyBytes, sizeOfElement, storeScalar } from "./memory.ts";

/** An object literal: its values first, then fresh storage for them. */
export function lowerNew(l: Lowering, e: NewExpression): Reference {
  const values = e.fields.map((field) => lowerExpression(l, field.value));
  const target = l.newSlot(e.type.layout, sizeOf(e.type.layout), e.at);
  fillNew(l, e, values, target);
  return target;
}

/** Clears what the fields leave (padding too, so that no stack byte leaks), then writes them in order. */
export function fillNew(l: Lowering, e: NewExpression, values: readonly Lowered[], target: Reference): void {
  const size = sizeOf(e.type.layout);
  const places = e.fields.map((field) => placeOf(e.type.layout, field.path));
  if (!coversAll(places, size)) clearBytes(l, target, size, e.at);
  for (const [index, place] of places.entries()) {
    const ref: Reference = { ...target, offset: target.offset + place.offset, layout: place.layout };
    const value = values[index]!;
    if (value.kind === "scalar") storeScalar(l, ref, value.value, e.at);
    else if (value.kind === "ref") copyBytes(l, ref, value, sizeOf(place.layout), e.at);
    else throw new Error("HIR is not well typed: a field's value is a scalar or a reference");
  }
}

interface Place {
  readonly offset: number;
  readonly layout: Layout;
}

function placeOf(layout: Layout, path: readonly number[]): Place {
  let place: Place = { offset: 0, layout };
  for (const index of path) {
    const inner = place.layout;
    if (inner.kind === "struct" || inner.kind === "union") {
      const field = inner.fields[index]!;
      place = { offset: place.offset + field.offset, layout: field.layout };
    } else {
      const element = sizeOfElement(inner);
      place = { offset: place.offset + index * element.size, layout: element.layout };
    }
  }
  return place;
}

function coversAll(places: readonly Place[], size: number): boolean {
  const covered = new Uint8Array(size);
  for (const { offset, layout } of places) {
    if (layout.kind === "bits") return false;
    if (hasPadding(layout)) continue;
    covered.fill(1, offset, offset + sizeOf(layout));
  }
  return covered.every((byte) => byte === 1);
}

/** A copied aggregate brings its own padding along, which was zero where it was made; a packet has none. */
function hasPadding(layout: Layout): boolean {
  return layout.kind === "opaque";
}
