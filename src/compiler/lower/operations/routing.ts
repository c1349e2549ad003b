import { fibLookupBytes } from "../../hir/layout.ts";
import type { OperationExpression } from "../../hir/tree.ts";
import { helpers } from "../../ir/helpers.ts";
import { lowerReference } from "../expressions.ts";
import { type Lowered, scalar } from "../lowered.ts";
import type { Lowering } from "../lowering.ts";

/** The helper gives an int: a result from 0 on, or a negative error. */
export function lowerFibLookup(l: Lowering, e: OperationExpression): Lowered {
  const lookup = l.address(lowerReference(l, e.args[0]!), e.at);
  const [size, flags] = [l.constant(fibLookupBytes, e.at), l.constant(e.constants?.[0] ?? 0, e.at)];
  const result = l.builder.callHelper(helpers.fibLookup.id, [l.context, lookup, size, flags], e.at);
  return scalar(l.builder.unary("zext32", result, e.at));
}
