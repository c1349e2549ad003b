import { sizeOf } from "../../hir/layout.ts";
import type { OperationExpression } from "../../hir/tree.ts";
import type { AtomicOp, Value } from "../../ir/ir.ts";
import { lowerReference, lowerScalar } from "../expressions.ts";
import { type Lowered, memoryRegion, nothing, scalar } from "../lowered.ts";
import type { Lowering } from "../lowering.ts";

export function lowerAtomic(op: AtomicOp) {
  return (l: Lowering, e: OperationExpression): Lowered => {
    const target = lowerReference(l, e.args[0]!);
    const operands = e.args.slice(1).map((argument) => lowerScalar(l, argument));
    const size = sizeOf(target.layout) as 4 | 8;
    const [expected, value] = op === "cmpxchg" ? operands : [undefined, operands[0]];
    const result = l.builder.atomic({
      op,
      size,
      base: target.base,
      offset: target.offset,
      value: value!,
      ...(expected === undefined ? {} : { expected }),
      region: memoryRegion(target.region),
      at: e.at,
    });
    return result === undefined ? nothing : scalar(extended(l, e, target.layout, result));
  };
}

/** A 32-bit fetch gives its old value zero-extended; a signed integer wants its sign. */
function extended(
  l: Lowering,
  e: OperationExpression,
  layout: { readonly kind: string; readonly signed?: boolean },
  value: Value,
): Value {
  const narrow = e.type.kind === "number";
  return narrow && layout.signed ? l.builder.unary("sext32", value, e.at) : value;
}
