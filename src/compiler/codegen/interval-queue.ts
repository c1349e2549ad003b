import type { Interval } from "./interval.ts";

/** Intervals by start, equal ones by the number of their virtual register: a binary heap. */
export class IntervalQueue {
  readonly #heap: Interval[] = [];

  push(interval: Interval): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(interval);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(interval, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = interval;
  }

  pop(): Interval | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Interval, b: Interval): boolean {
  return a.start !== b.start ? a.start < b.start : a.whole.value < b.whole.value;
}
