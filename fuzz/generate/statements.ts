import { assignStatement, storeStatement } from "./assignments.ts";
import { atomicAddStatement } from "./atomics.ts";
import { ifStatement, labelledBlock, leaveStatement, narrowStatement, switchStatement } from "./branches.ts";
import { callStatement } from "./call-statements.ts";
import { forEachStatement, timerStatement } from "./callbacks.ts";
import type { Context } from "./context.ts";
import {
  closureStatement,
  destructure,
  letStatement,
  localStatement,
  lookupStatement,
  optionalLetStatement,
  viewStatement,
} from "./definitions.ts";
import { lockStatement } from "./locks.ts";
import { loopStatement } from "./loops.ts";
import { mapStatement, resizeStatement, ringStatement, tailCallStatement } from "./map-statements.ts";
import { pairStatement } from "./pairs.ts";

/** Writes one statement (or a few that belong together); false when there is nothing to make it of. */
export type Statement = (c: Context) => boolean;

const everywhere: readonly (readonly [weight: number, make: Statement])[] = [
  [10, letStatement],
  [18, assignStatement],
  [10, storeStatement],
  [7, ifStatement],
  [3, switchStatement],
  [3, destructure],
  [6, localStatement],
  [8, pairStatement],
];

const outsideOfLocks: readonly (readonly [weight: number, make: Statement])[] = [
  ...everywhere,
  [8, viewStatement],
  [8, lookupStatement],
  [8, narrowStatement],
  [5, loopStatement],
  [4, atomicAddStatement],
  [6, mapStatement],
  [2, ringStatement],
  [2, resizeStatement],
  [1, tailCallStatement],
  [5, lockStatement],
  [2, forEachStatement],
  [2, timerStatement],
  [3, callStatement],
  [2, labelledBlock],
  [2, optionalLetStatement],
  [2, closureStatement],
  [3, leaveStatement],
];

/** Some statements, as many as are left at most. */
export function statements(c: Context, count: number): void {
  for (let made = 0; made < count && c.statements > 0; ) {
    const make = c.random.weighted(c.place.locked ? everywhere : outsideOfLocks);
    c.statements--;
    if (make(c)) made++;
  }
}
