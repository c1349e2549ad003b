import type { Code } from "./code.ts";
import type { VmMap } from "./maps/map.ts";

/** A `struct bpf_timer` inside a map's value. */
export interface Timer {
  readonly map: VmMap;
  /** Key of the element that holds it. */
  readonly key: Uint8Array;
  /** The element's live value. */
  readonly value: Uint8Array;
  /** CLOCK_REALTIME 0, CLOCK_MONOTONIC 1, CLOCK_BOOTTIME 7. */
  readonly clock: number;
  callback?: { readonly code: Code; readonly pc: number };
  /** When it fires, in nanoseconds of the machine's clock; undefined: not armed. */
  expires?: bigint | undefined;
}

/** The timers that programs set up. They are recorded here; `runTimer` (run.ts) runs the callback of one. */
export class Timers {
  readonly #byValue = new Map<Uint8Array, Map<number, Timer>>();

  /** The timer at that offset of a live map value. */
  find(value: Uint8Array, offset: number): Timer | undefined {
    return this.#byValue.get(value)?.get(offset);
  }

  add(timer: Timer, offset: number): void {
    const timers = this.#byValue.get(timer.value) ?? new Map<number, Timer>();
    timers.set(offset, timer);
    this.#byValue.set(timer.value, timers);
  }

  /** The armed timers that expire up to `now`, the earliest first. */
  due(now: bigint): Timer[] {
    const timers = [...this.#byValue.values()].flatMap((byOffset) => [...byOffset.values()]);
    return timers
      .filter((timer) => timer.expires !== undefined && timer.expires <= now)
      .sort((a, b) => Number(a.expires! - b.expires!));
  }
}
