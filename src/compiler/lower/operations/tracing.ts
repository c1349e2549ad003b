import { sizeOf } from "../../hir/layout.ts";
import type { OperationExpression } from "../../hir/tree.ts";
import { helpers } from "../../ir/helpers.ts";
import { lowerReference, lowerScalar } from "../expressions.ts";
import { type Lowered, scalar } from "../lowered.ts";
import type { Lowering } from "../lowering.ts";

/** A helper without arguments whose whole result is the value. */
export function lowerPlainHelper(helper: number) {
  return (l: Lowering, e: OperationExpression): Lowered => scalar(l.builder.callHelper(helper, [], e.at));
}

/** A helper that gives two 32-bit numbers in one register (bpf_get_current_pid_tgid, bpf_get_current_uid_gid). */
export function lowerHalf(helper: number, half: "low" | "high") {
  return (l: Lowering, e: OperationExpression): Lowered => {
    const both = l.builder.callHelper(helper, [], e.at);
    if (half === "low") return scalar(l.builder.unary("zext32", both, e.at));
    return scalar(l.builder.binary("lshr", 64, both, l.constant(32, e.at), e.at));
  };
}

export function lowerCommand(l: Lowering, e: OperationExpression): Lowered {
  const layout = e.layout!;
  const slot = l.newSlot(layout, sizeOf(layout), e.at);
  const size = l.constant(sizeOf(layout), e.at);
  l.builder.callHelper(helpers.getCurrentComm.id, [l.address(slot, e.at), size], e.at);
  return slot;
}

/** The helpers give a negative error on a fault; the target is zeroed by them then. */
export function lowerReadString(helper: number) {
  return (l: Lowering, e: OperationExpression): Lowered => {
    const target = lowerReference(l, e.args[0]!);
    const address = lowerScalar(l, e.args[1]!);
    const size = l.constant(sizeOf(target.layout), e.at);
    const result = l.builder.callHelper(helper, [l.address(target, e.at), size, address], e.at);
    const { builder } = l;
    const variable = `string${result}`;
    const [failed, after] = [builder.newBlock(), builder.newBlock()];
    builder.write(variable, result);
    const right = l.constant(0, e.at);
    builder.branch({ op: "slt", width: 64, left: result, right, then: failed, otherwise: after, at: e.at });
    builder.seal(failed);
    builder.switchTo(failed);
    builder.write(variable, l.constant(0, e.at));
    builder.jump(after, e.at);
    builder.seal(after);
    builder.switchTo(after);
    return scalar(builder.read(variable));
  };
}

export function lowerKernelAddress(l: Lowering, e: OperationExpression): Lowered {
  return scalar(l.address(lowerReference(l, e.args[0]!), e.at));
}
