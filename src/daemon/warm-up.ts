/**
 * How often the live pipelines are compiled again after the start. V8 needs about that many to bring the compiler to
 * its optimising tiers: the function of `npm run bench -- speed-of-change` takes 12.5 ms of the processor in the first
 * ten compiles, 6.6 ms in the next fifty, 4.5 ms behind 300 and 4.0 ms behind 600.
 */
export const warmUpCompiles = 600;

export interface WarmUpOptions {
  /** Compiles something for practice; false when there is nothing to compile yet. */
  readonly compile: () => boolean;
  readonly failed: (error: unknown) => void;
  readonly compiles?: number;
  /** Between a request, or the start, and the next compile. */
  readonly quietMilliseconds?: number;
  /** Between two compiles: the processor stays free for others most of the time. */
  readonly pauseMilliseconds?: number;
}

/**
 * Uses idle time after the start to compile for practice, so that the first changes do not find the compiler cold. One
 * compile at a time, each a few milliseconds: a request waits for one at most, and puts off the next one.
 */
export class WarmUp implements Disposable {
  readonly #options: Required<WarmUpOptions>;
  #left: number;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WarmUpOptions) {
    this.#options = { compiles: warmUpCompiles, quietMilliseconds: 500, pauseMilliseconds: 20, ...options };
    this.#left = this.#options.compiles;
    this.postpone();
  }

  /** A request came, or what there is to compile has changed. */
  postpone(): void {
    this.#wait(this.#options.quietMilliseconds);
  }

  [Symbol.dispose](): void {
    this.#left = 0;
    clearTimeout(this.#timer);
  }

  #wait(milliseconds: number): void {
    clearTimeout(this.#timer);
    if (this.#left > 0) this.#timer = setTimeout(() => this.#step(), milliseconds).unref();
  }

  #step(): void {
    this.#left--;
    try {
      if (this.#options.compile()) this.#wait(this.#options.pauseMilliseconds);
    } catch (error) {
      this.#left = 0;
      this.#options.failed(error);
    }
  }
}
