/** What the verifier has to do for a function, expected from its HIR. */
import { nodesWalked, repeatedRounds } from "../../compiler/check/index.ts";
import type { ForStatement, Module } from "../../compiler/hir/tree.ts";

/** Instructions that the verifier processes for one program at the most (BPF_COMPLEXITY_LIMIT_INSNS). */
export const mostProcessed = 1_000_000;
/** A program of several functions is cut above this. */
export const mostExpected = mostProcessed / 2;
/** What a refused program is taken for: nobody knows how far it was from its end. */
export const refusedFor = 2 * mostProcessed;

/** Built-in functions take one to three, their own dispatch among them; those of others are learned. */
const processedPerNode = 3;

/** Processed instructions to be expected of a function's prepared module. */
export function expectedWork(
  { module, trips }: { readonly module: Module; readonly trips: ReadonlyMap<ForStatement, bigint> },
  { mayGoto }: { readonly mayGoto: boolean },
): number {
  return processedPerNode * nodesWalked(module, trips, mayGoto ? repeatedRounds : Number.POSITIVE_INFINITY);
}

/** How many times as much the verifier had to do for functions as was expected, by their fingerprints. */
export type WorkFactors = Readonly<Record<string, number>>;

/** A program that the verifier refused, or took more for than it may: its functions need to be cut apart. */
export class TooMuchWork extends Error {}

/** Remembers functions that were more work than expected, so that what is cut next is cut for it. */
export class WorkMemory {
  /** What the latest expectations were made with. */
  #used: WorkFactors;
  #known: WorkFactors;

  constructor(factors: WorkFactors = {}) {
    this.#used = factors;
    this.#known = factors;
  }

  /** The factors to expect work with. What is learned from now on is learned about these expectations. */
  use(): WorkFactors {
    this.#used = this.#known;
    return this.#used;
  }

  /** @param functions fingerprints of those in a program that took so many instructions in place of those expected */
  learn(functions: readonly string[], expected: number, processed: number): void {
    if (processed <= expected) return;
    const times = processed / expected;
    const raised = functions.map((one) => {
      return [one, Math.max(this.#known[one] ?? 1, (this.#used[one] ?? 1) * times)] as const;
    });
    this.#known = { ...this.#known, ...Object.fromEntries(raised) };
  }
}
