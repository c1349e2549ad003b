import type { Range } from "./interval.ts";

/** Something that needs room in the frame for a part of the time. */
export interface FrameObject {
  readonly size: number;
  readonly align: number;
  /** Ascending; when it is in use. */
  readonly ranges: readonly Range[];
}

export interface FrameLayout {
  /** By object: its address as a negative offset from r10. */
  readonly offsets: readonly number[];
  readonly size: number;
}

/** Gives each object a place; objects that are never in use at the same time may share one. */
export function layOutFrame(objects: readonly FrameObject[]): FrameLayout {
  const offsets: number[] = new Array(objects.length).fill(0);
  const order = objects
    .map((object, index) => ({ object, index }))
    .sort((a, b) => b.object.size - a.object.size || b.object.align - a.object.align || a.index - b.index);
  const placed: { object: FrameObject; low: number; high: number }[] = [];
  let size = 0;
  for (const { object, index } of order) {
    const rivals = placed.filter((other) => overlaps(object.ranges, other.object.ranges)).sort((a, b) => a.low - b.low);
    const high = lowestFit(object, rivals);
    placed.push({ object, low: high - object.size, high });
    offsets[index] = -high;
    size = Math.max(size, high);
  }
  return { offsets, size };
}

/** Distance from r10 of the object's first byte: `low` and `high` of the rivals count downwards from r10. */
function lowestFit(object: FrameObject, rivals: readonly { readonly low: number; readonly high: number }[]): number {
  let high = roundUp(object.size, object.align);
  for (const rival of rivals) {
    if (high <= rival.low) break;
    if (high - object.size < rival.high) high = roundUp(rival.high + object.size, object.align);
  }
  return high;
}

export function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}

export function overlaps(a: readonly Range[], b: readonly Range[]): boolean {
  let i = 0;
  let j = 0;
  while (i < a.length && j < b.length) {
    const left = a[i]!;
    const right = b[j]!;
    if (Math.max(left.from, right.from) < Math.min(left.to, right.to)) return true;
    if (left.to <= right.to) i++;
    else j++;
  }
  return false;
}
