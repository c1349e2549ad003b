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

/** The timers that programs set up. They are recorded here; `advanceTimers` (run.ts) lets their time pass. */
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

  /** The timer whose callback runs. */
  running: Timer | undefined;

  /** The value is no longer an entry's, or was written as a whole: its timers are cancelled and gone. */
  drop(value: Uint8Array): void {
    this.#byValue.delete(value);
  }

  /** Whether programs set up any. */
  get any(): boolean {
    return this.#byValue.size > 0;
  }

  /** Takes the next timer that expires up to `now` and whose entry is still there. */
  next(now: bigint, cpu: number): Timer | undefined {
    for (const timer of this.due(now)) {
      for (const [, value] of timer.map.elements(cpu)) if (value === timer.value) return timer;
      this.drop(timer.value);
    }
    return undefined;
  }

  /** The armed timers that expire up to `now`, the earliest first. */
  due(now: bigint): Timer[] {
    const timers = [...this.#byValue.values()].flatMap((byOffset) => [...byOffset.values()]);
    return timers
      .filter((timer) => timer.expires !== undefined && timer.expires <= now)
      .sort((a, b) => Number(a.expires! - b.expires!));
  }
}
