/** The arithmetic behind the tables. */

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** The value below which a part (0 to 1) of the values lie, linear between neighbours. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = Float64Array.from(values).sort();
  const at = (sorted.length - 1) * part;
  const low = sorted[Math.floor(at)] ?? Number.NaN;
  const high = sorted[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function geometricMean(values: readonly number[]): number {
  return Math.exp(mean(values.map(Math.log)));
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** An estimate and the interval in which it lies with 90% confidence, so that `high` is the upper 95% bound. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/**
 * Percentile bootstrap: `estimate` is computed anew from samples that are drawn from the given ones with replacement,
 * each list of samples by itself.
 */
export function bootstrap(
  samples: readonly (readonly number[])[],
  estimate: (samples: readonly (readonly number[])[]) => number,
  options: { readonly rounds?: number; readonly seed?: number } = {},
): Estimate {
  const random = randomNumbers(options.seed ?? 1);
  const draw = (list: readonly number[]) => list.map(() => list[Math.floor(random() * list.length)]!);
  const estimates = Array.from({ length: options.rounds ?? 1000 }, () => estimate(samples.map(draw)));
  return { value: estimate(samples), low: quantile(estimates, 0.05), high: quantile(estimates, 0.95) };
}
