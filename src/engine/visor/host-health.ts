import type { NumberedInstance } from "./model.ts";
import type { RunningHost } from "./running-host.ts";

/** How the host side of an instance fares. */
export interface HostHealth {
  /** "failed": it does not run, and is started again in a while. */
  readonly state: "running" | "failed";
  /** How often something of it failed since the instance is there. */
  readonly failures: number;
  /** Of the last failure. */
  readonly message?: string;
  readonly time?: Date;
  /** When a failed one is started again. */
  readonly nextStart?: Date;
}

/** Failures of one instance are told at most so often; all are counted. */
const tellMilliseconds = 10_000;
const firstRetryMilliseconds = 1000;
const mostRetryMilliseconds = 60_000;

/** Tells of a failure, and how many there were since the last one that was told. */
export type Tell = (error: unknown, untold: number) => void;

/** A host side with what became of it: counts its failures, and starts it again where it could not run. */
export class SupervisedHost {
  readonly fingerprint: string;
  instance: NumberedInstance;
  host: RunningHost | undefined;
  readonly #tell: Tell;
  #failures = 0;
  #untold = 0;
  #told = Number.NEGATIVE_INFINITY;
  #last: { readonly message: string; readonly time: Date } | undefined;
  #retry: { readonly timer: NodeJS.Timeout; readonly at: Date } | undefined;
  #pause = firstRetryMilliseconds;

  constructor(instance: NumberedInstance, tell: Tell) {
    this.fingerprint = instance.model.function.fingerprint;
    this.instance = instance;
    this.#tell = tell;
  }

  get isFailed(): boolean {
    return this.#retry !== undefined;
  }

  get health(): HostHealth {
    const { at } = this.#retry ?? {};
    return {
      state: at ? "failed" : "running",
      failures: this.#failures,
      ...this.#last,
      ...(at ? { nextStart: at } : {}),
    };
  }

  failed(error: unknown): void {
    this.#failures++;
    this.#last = { message: error instanceof Error ? error.message : String(error), time: new Date() };
    const now = performance.now();
    if (now - this.#told < tellMilliseconds) {
      this.#untold++;
      return;
    }
    this.#tell(error, this.#untold);
    this.#told = now;
    this.#untold = 0;
  }

  /** It does not run: `start` is called in a while, later each time. */
  startLater(start: () => void): void {
    this.host?.stop();
    this.host = undefined;
    clearTimeout(this.#retry?.timer);
    const timer = setTimeout(start, this.#pause);
    timer.unref();
    this.#retry = { timer, at: new Date(Date.now() + this.#pause) };
    this.#pause = Math.min(2 * this.#pause, mostRetryMilliseconds);
  }

  runs(): void {
    clearTimeout(this.#retry?.timer);
    this.#retry = undefined;
    this.#pause = firstRetryMilliseconds;
  }

  stop(): void {
    clearTimeout(this.#retry?.timer);
    this.#retry = undefined;
    this.host?.stop();
    this.host = undefined;
  }
}
