import type { MapStore } from "../map-store.ts";

/** A timer that is armed. */
export interface ArmedTimer {
  /** Index of the callback in the module. */
  readonly callback: number;
  /** Index of the map in the module. */
  readonly map: number;
  readonly key: Uint8Array;
  /** The live value that holds the timer. */
  readonly value: Uint8Array;
  /** Nanoseconds of the clock that armed it. */
  readonly expires: bigint;
}

/** A timer whose time has come. It was disarmed by that. */
export interface ExpiredTimer extends ArmedTimer {
  /** Whether its value is still that of its key: whoever removes or replaces an entry cancels its timer. */
  isLive(maps: readonly MapStore[]): boolean;
}

/** The timers in the values of maps. Kept over several runs, as the maps are. */
export class TimerQueue {
  /** At most one in a value. */
  readonly #armed = new Map<Uint8Array, ArmedTimer>();
  #running: Uint8Array | undefined;

  get size(): number {
    return this.#armed.size;
  }

  /** Arms a timer, anew when it is armed already. */
  arm(timer: ArmedTimer): void {
    this.#armed.delete(timer.value);
    this.#armed.set(timer.value, timer);
  }

  /** Whether it was armed. A callback cannot cancel its own timer (bpf_timer_cancel gives -EDEADLK). */
  cancel(value: Uint8Array): boolean {
    return value !== this.#running && this.#armed.delete(value);
  }

  /** The value is no longer that of an entry, or was overwritten. */
  drop(value: Uint8Array | undefined): void {
    if (value) this.#armed.delete(value);
  }

  /** Takes out the timer that expires first, if it does up to `now`. */
  take(now: bigint): ExpiredTimer | undefined {
    let first: ArmedTimer | undefined;
    for (const timer of this.#armed.values()) if (!first || timer.expires < first.expires) first = timer;
    if (!first || first.expires > now) return undefined;
    this.#armed.delete(first.value);
    return { ...first, isLive: (maps) => liveValue(maps[first.map], first.key) === first.value };
  }

  /** Runs the callback of a timer. */
  during(timer: ArmedTimer, body: () => void): void {
    this.#running = timer.value;
    try {
      body();
    } finally {
      this.#running = undefined;
    }
  }
}

/** Found by going over the map, which makes no entry younger. */
function liveValue(store: MapStore | undefined, key: Uint8Array): Uint8Array | undefined {
  for (const [other, value] of store?.each(0) ?? []) {
    if (other.every((byte, index) => byte === key[index])) return value;
  }
  return undefined;
}

/** The key of the entry that a live value belongs to. */
export function keyOfValue(store: MapStore, value: Uint8Array): Uint8Array | undefined {
  for (const [key, other] of store.each(0)) if (other === value) return key.slice();
  return undefined;
}
