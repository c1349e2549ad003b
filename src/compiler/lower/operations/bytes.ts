import { sizeOf } from "../../hir/layout.ts";
import type { OperationExpression } from "../../hir/tree.ts";
import type { Value } from "../../ir/ir.ts";
import { lowerReference } from "../expressions.ts";
import { type Lowered, scalar } from "../lowered.ts";
import type { Lowering } from "../lowering.ts";
import { accessAlignment, pieces } from "../pieces.ts";

/** Compares in the largest pieces: the differences of all of them or-ed together, one branch. */
export function lowerEqual(l: Lowering, e: OperationExpression): Lowered {
  const [left, right] = [lowerReference(l, e.args[0]!), lowerReference(l, e.args[1]!)];
  const { builder } = l;
  const alignment = Math.min(accessAlignment(left), accessAlignment(right));
  let difference: Value | undefined;
  for (const [delta, piece] of pieces(sizeOf(left.layout), alignment)) {
    const a = l.load(left, piece, e.at, { delta });
    const b = l.load(right, piece, e.at, { delta });
    const unequal = builder.binary("xor", 64, a, b, e.at);
    difference = difference === undefined ? unequal : builder.binary("or", 64, difference, unequal, e.at);
  }
  if (difference === undefined) return scalar(l.constant(1, e.at));
  const all = difference;
  return scalar(l.presentWhen(e.at, (yes, no) => l.branchNonZero(all, no, yes, e.at)));
}
