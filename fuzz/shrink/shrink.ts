import { importsOf } from "../generate/imports.ts";
import { apply, edits } from "./edits.ts";

export interface ShrinkLimits {
  /** Sources that are tried at most. */
  readonly attempts: number;
  readonly milliseconds: number;
}

/**
 * The smallest module found that still fails in the same way: greedily takes statements, then expressions away for as
 * long as `fails` says that the failure stays.
 */
export function shrink(source: string, fails: (source: string) => boolean, limits: ShrinkLimits): string {
  const until = Date.now() + limits.milliseconds;
  let { attempts } = limits;
  let smallest = source;
  for (let progress = true; progress; ) {
    progress = false;
    let skip = 0;
    for (let candidates = edits(smallest); skip < candidates.length; skip++) {
      if (attempts-- <= 0 || Date.now() > until) return smallest;
      const smaller = withImports(apply(smallest, candidates[skip]!));
      if (smaller.length >= smallest.length || !fails(smaller)) continue;
      smallest = smaller;
      progress = true;
      candidates = edits(smallest);
      // Larger edits have failed just now; what is left of them is tried again in the next round.
      skip = Math.max(0, skip - 3);
    }
  }
  return tidy(smallest);
}

function withImports(source: string): string {
  const body = source.replace(/^import [^\n]*\n/, "");
  return `${importsOf(body)}\n${body}`;
}

function tidy(source: string): string {
  return `${source
    .split("\n")
    .filter((line) => line.trim() !== "" && line.trim() !== ";")
    .join("\n")}\n`;
}
