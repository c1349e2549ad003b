import type { Degraded } from "../engine/visor/recovery.ts";
import type { Visor } from "../engine/visor/visor.ts";
import type { EventHub } from "./events.ts";
import type { Log } from "./log.ts";

const firstRetryMilliseconds = 1000;
const mostRetryMilliseconds = 60_000;

/**
 * Tries to take over a stored graph that could not be taken over at the start: what is in the way may be mended (a
 * function is put back, a device gets the MTU that it needs). Later each time, a minute at most; ends with the first
 * graph that is at work, whoever applied it.
 */
export class TakeOver implements Disposable {
  readonly #visor: Visor;
  readonly #events: EventHub;
  readonly #log: Log;
  readonly #follow: Disposable;
  #timer: NodeJS.Timeout | undefined;
  #pause = firstRetryMilliseconds;
  #isDegraded: boolean;

  constructor(visor: Visor, events: EventHub, log: Log) {
    this.#visor = visor;
    this.#events = events;
    this.#log = log;
    this.#isDegraded = visor.degraded !== undefined;
    this.#follow = visor.onApply(() => this.#ended());
    if (!visor.degraded) return;
    this.#tell("degraded: the stored graph could not be taken over; packets flow as before", visor.degraded);
    this.#wait();
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#isDegraded = false;
    this.#follow[Symbol.dispose]();
  }

  #wait(): void {
    this.#timer = setTimeout(() => void this.#try(), this.#pause);
    this.#timer.unref();
    this.#pause = Math.min(2 * this.#pause, mostRetryMilliseconds);
  }

  async #try(): Promise<void> {
    const before = this.#visor.degraded;
    try {
      const report = await this.#visor.resume();
      for (const [map, reason] of report?.renewed ?? []) this.#log.warn({ map, reason }, "a map lost its state");
    } catch {
      const now = this.#visor.degraded;
      if (now && now.message !== before?.message) {
        this.#tell("the stored graph still cannot be taken over", now);
      }
      if (this.#isDegraded) this.#wait();
    }
  }

  #tell(what: string, { code, message, remedy, cause }: Degraded): void {
    // What nobody expected has its stack in the log.
    const error = code === "E_UNEXPECTED" ? { error: cause } : {};
    this.#log.error({ code, reason: message, remedy, ...error }, what);
    this.#events.publish("failure", { what: "graph", code, message, remedy });
  }

  #ended(): void {
    if (!this.#isDegraded || this.#visor.degraded) return;
    this.#isDegraded = false;
    clearTimeout(this.#timer);
    this.#log.info({ revision: this.#visor.revision?.number }, "no longer degraded: the graph is at work");
    this.#events.publish("recovery", { what: "graph", revision: this.#visor.revision?.number ?? 0 });
  }
}
