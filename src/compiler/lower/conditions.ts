import type { CompareExpression, Expression } from "../hir/tree.ts";
import type { Block, CompareOp, Value } from "../ir/ir.ts";
import { lowerOptional, lowerScalar } from "./expressions.ts";
import type { LoweredOptional } from "./lowered.ts";
import type { Lowering } from "./lowering.ts";

/**
 * Ends the current block with a branch on a bool expression. The caller seals both blocks afterwards.
 *
 * Conditions become control flow and never a register where that can be helped: the verifier learns from the branch
 * itself that a pointer is not null or a number in range.
 */
export function lowerCondition(l: Lowering, e: Expression, then: Block, otherwise: Block): void {
  switch (e.kind) {
    case "constant":
      l.builder.jump(e.value ? then : otherwise, e.at);
      return;
    case "logical": {
      const second = l.builder.newBlock();
      if (e.operator === "and") lowerCondition(l, e.left, second, otherwise);
      else lowerCondition(l, e.left, then, second);
      l.builder.seal(second);
      l.builder.switchTo(second);
      lowerCondition(l, e.right, then, otherwise);
      return;
    }
    case "unary":
      if (e.operator === "not") lowerCondition(l, e.value, otherwise, then);
      return;
    case "compare":
      lowerCompare(l, e, then, otherwise);
      return;
    case "present":
      l.branchPresent(lowerOptional(l, e.value), then, otherwise, e.at);
      return;
    default:
      l.branchNonZero(lowerScalar(l, e), then, otherwise, e.at);
  }
}

function lowerCompare(l: Lowering, e: CompareExpression, then: Block, otherwise: Block): void {
  if (e.left.type.kind === "optional") {
    const left = lowerOptional(l, e.left);
    const right = lowerOptional(l, e.right);
    if (e.operator === "equal") compareOptionals(l, e, left, right, then, otherwise);
    else compareOptionals(l, e, left, right, otherwise, then);
    return;
  }
  const left = lowerScalar(l, e.left);
  const right = lowerScalar(l, e.right);
  l.builder.branch({ op: compareOp(l, e), width: 64, left, right, then, otherwise, at: e.at });
}

function compareOptionals(
  l: Lowering,
  e: CompareExpression,
  left: LoweredOptional,
  right: LoweredOptional,
  equal: Block,
  different: Block,
): void {
  const { builder } = l;
  const leftPresent = builder.newBlock();
  const leftAbsent = builder.newBlock();
  const both = builder.newBlock();
  l.branchPresent(left, leftPresent, leftAbsent, e.at);
  builder.seal(leftPresent);
  builder.seal(leftAbsent);
  builder.switchTo(leftAbsent);
  l.branchPresent(right, different, equal, e.at);
  builder.switchTo(leftPresent);
  l.branchPresent(right, both, different, e.at);
  builder.seal(both);
  builder.switchTo(both);
  const [a, b] = [scalarOf(left), scalarOf(right)];
  builder.branch({ op: "eq", width: 64, left: a, right: b, then: equal, otherwise: different, at: e.at });
}

function scalarOf(optional: LoweredOptional): Value {
  if (optional.of.kind !== "scalar") throw new Error("HIR is not well typed: references are not compared");
  return optional.of.value;
}

const unsignedOps: Readonly<Record<CompareExpression["operator"], CompareOp>> = {
  equal: "eq",
  notEqual: "ne",
  less: "ult",
  lessEqual: "ule",
  greater: "ugt",
  greaterEqual: "uge",
};

const signedOps: Readonly<Record<CompareExpression["operator"], CompareOp>> = {
  equal: "eq",
  notEqual: "ne",
  less: "slt",
  lessEqual: "sle",
  greater: "sgt",
  greaterEqual: "sge",
};

/**
 * Numbers are exact signed values; where both sides are known not to be negative the unsigned comparison is the same
 * and teaches the verifier both of its bounds.
 */
function compareOp(l: Lowering, e: CompareExpression): CompareOp {
  if (e.left.type.kind === "i64") return signedOps[e.operator];
  if (e.left.type.kind !== "number") return unsignedOps[e.operator];
  const left = l.range(e.left);
  const right = l.range(e.right);
  const unsigned = left !== undefined && right !== undefined && left.low >= 0n && right.low >= 0n;
  return (unsigned ? unsignedOps : signedOps)[e.operator];
}
