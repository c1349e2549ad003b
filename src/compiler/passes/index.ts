import type { IrFunction, IrProgram } from "../ir/ir.ts";
import { correlateBranches } from "./correlate.ts";
import { removeDeadCode } from "./dead-code.ts";
import { removeDeadStores } from "./dead-stores.ts";
import { useDerivedBounds } from "./derived-bounds.ts";
import { meetOffsets } from "./meet-offsets.ts";
import { mergeExits } from "./merge-exits.ts";
import { simplify } from "./simplify.ts";
import { splitJoins } from "./split-joins.ts";
import { reduceStrength } from "./strength.ts";
import { threadJumps } from "./thread.ts";
import { threadCorrelated } from "./thread-correlated.ts";
import { numberValues } from "./value-numbering.ts";
import { claimWords } from "./whole-words.ts";
import { widenChecks } from "./widen-checks.ts";

/** A pass rewrites a function in place and says whether it changed anything. */
export interface Pass {
  readonly name: string;
  run(fn: IrFunction): boolean;
}

/** All passes, in the order in which they run; each later one profits from those before it. */
export const passes: readonly Pass[] = [
  { name: "simplify", run: simplify },
  { name: "thread", run: threadJumps },
  { name: "split-joins", run: splitJoins },
  { name: "number", run: numberValues },
  { name: "correlate", run: correlateBranches },
  { name: "thread-correlated", run: threadCorrelated },
  { name: "merge-exits", run: mergeExits },
  { name: "widen-checks", run: widenChecks },
  { name: "strength", run: reduceStrength },
  { name: "dead-stores", run: removeDeadStores },
  { name: "dead-code", run: removeDeadCode },
];

/** What follows where places of headers met: the bound that they have now is asked for no more. */
const afterMeeting: readonly Pass[] = [{ name: "simplify", run: simplify }];

/** What follows where derived bounds changed something. No value numbering: see `useDerivedBounds`. */
const afterBounds: readonly Pass[] = [
  { name: "simplify", run: simplify },
  { name: "thread", run: threadJumps },
  { name: "split-joins", run: splitJoins },
  { name: "strength", run: reduceStrength },
  { name: "simplify", run: simplify },
  { name: "thread", run: threadJumps },
  { name: "dead-code", run: removeDeadCode },
  { name: "dead-stores", run: removeDeadStores },
  { name: "dead-code", run: removeDeadCode },
];

/** Nearly all programs reach a fixed point in three rounds; chains of functions take a few more. */
const mostRounds = 8;

export interface OptimizeOptions {
  /** Of the machine that runs the program; default true. */
  readonly littleEndian?: boolean;
  /** Called after each pass that changed a function, for dumps and tests. */
  readonly after?: (pass: string, fn: IrFunction) => void;
}

/** Runs the passes over every function until nothing changes. */
export function optimize(program: IrProgram, options: OptimizeOptions = {}): void {
  for (const fn of program.functions) {
    if (fn.final) continue;
    optimizeFully(fn, options);
    const meets = options.littleEndian !== false;
    if (meets && optimizeOnce(fn, [{ name: "meet-offsets", run: meetOffsets }], options)) {
      optimizeOnce(fn, afterMeeting, options);
    }
    if (optimizeOnce(fn, [{ name: "derived-bounds", run: useDerivedBounds }], options)) {
      optimizeOnce(fn, afterBounds, options);
    }
    // Behind the removal of dead stores, which they are.
    optimizeOnce(fn, [{ name: "whole-words", run: claimWords }], options);
  }
}

/** Round after round, until a pass finds no other that has something to do with what it made. */
function optimizeFully(fn: IrFunction, { after }: OptimizeOptions): void {
  let idle = 0;
  for (let round = 0; round < mostRounds; round++) {
    for (const pass of passes) {
      if (idle === passes.length - 1) return;
      if (pass.run(fn)) {
        idle = 0;
        after?.(pass.name, fn);
      } else {
        idle++;
      }
    }
  }
}

function optimizeOnce(fn: IrFunction, list: readonly Pass[], { after }: OptimizeOptions): boolean {
  let changed = false;
  for (const pass of list) {
    if (!pass.run(fn)) continue;
    changed = true;
    after?.(pass.name, fn);
  }
  return changed;
}
