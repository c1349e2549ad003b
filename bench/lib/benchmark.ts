/** What every benchmark takes and gives. */

export interface BenchOptions {
  /** Only these programs or parts of the benchmark; empty: all. */
  readonly only: readonly string[];
  /** Show what two compilers make of this program instead of timing. */
  readonly show: string | undefined;
  /** Interleaved pairs of runs. */
  readonly pairs: number;
  /** How long endurance parts run. */
  readonly seconds: number;
  readonly isa: "v3" | "v4" | undefined;
  /** Compare clang with itself: the method's own error. */
  readonly self: boolean;
}

export interface Plot {
  readonly name: string;
  readonly svg: string;
}

export interface BenchResult {
  /** Of the files, where it is not the benchmark's: a variant that must not overwrite the usual results. */
  readonly name?: string;
  /** Tables and the sentences that say what they show. */
  readonly markdown: string;
  readonly plots: readonly Plot[];
  /** Everything measured, for JSON. */
  readonly data: unknown;
  /** What was to hold and did not. */
  readonly missed: readonly string[];
}

export interface Benchmark {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<{ run(options: BenchOptions): Promise<BenchResult> }>;
}

/** One line of progress, on the terminal only. */
export function progress(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${line}`);
}
