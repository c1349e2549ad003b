import { sizeOf } from "../../hir/layout.ts";
import type { Position } from "../../hir/position.ts";
import type { OperationExpression } from "../../hir/tree.ts";
import type { OptionalType } from "../../hir/types.ts";
import type { Block } from "../../ir/ir.ts";
import { lowerEffects, lowerScalar } from "../expressions.ts";
import { type Lowered, type Reference, scalar } from "../lowered.ts";
import type { Lowering } from "../lowering.ts";
import { contextOffsets, loadContext, packetData, packetEnd, packetModel, skbOffsets } from "../packet-model.ts";
import { farthest } from "../reach.ts";

export function lowerLength(l: Lowering, e: OperationExpression): Lowered {
  if (packetModel(l) === "skb") return scalar(loadContext(l, skbOffsets.length, e.at));
  return scalar(l.builder.binary("sub", 64, packetEnd(l), packetData(l), e.at));
}

export function lowerIngressIfindex(l: Lowering, e: OperationExpression): Lowered {
  return scalar(loadContext(l, contextOffsets(l).ingressIfindex, e.at));
}

export function lowerQueue(l: Lowering, e: OperationExpression): Lowered {
  return scalar(loadContext(l, contextOffsets(l).queue, e.at));
}

export function lowerGsoSize(l: Lowering, e: OperationExpression): Lowered {
  return scalar(packetModel(l) === "skb" ? loadContext(l, skbOffsets.gsoSize, e.at) : l.constant(0, e.at));
}

export function lowerVlanTag(l: Lowering, e: OperationExpression): Lowered {
  if (packetModel(l) === "xdp") return l.absentValue(e.type as OptionalType, e.at);
  const present = loadContext(l, skbOffsets.vlanPresent, e.at);
  return { kind: "optional", present, of: scalar(loadContext(l, skbOffsets.vlanTci, e.at)) };
}

export function lowerVlanProtocol(l: Lowering, e: OperationExpression): Lowered {
  if (packetModel(l) === "xdp") return l.absentValue(e.type as OptionalType, e.at);
  const present = loadContext(l, skbOffsets.vlanPresent, e.at);
  const protocol = l.builder.unary("bswap16", loadContext(l, skbOffsets.vlanProtocol, e.at), e.at);
  return { kind: "optional", present, of: scalar(protocol) };
}

/** `packet.at(offset, layout)`: one comparison with the packet's end; absent when the layout does not fit before it. */
export function lowerAt(l: Lowering, e: OperationExpression): Lowered {
  const offset = e.args[0]!;
  const range = l.range(offset);
  if (range && range.low === range.high) {
    lowerEffects(l, offset);
    return atConstant(l, e, Number(range.low));
  }
  return atVariable(l, e);
}

function viewSize(e: OperationExpression): number {
  return sizeOf(e.layout!);
}

function atConstant(l: Lowering, e: OperationExpression, offset: number): Lowered {
  const size = viewSize(e);
  if (offset < 0 || offset + size > farthest) return l.absentValue(e.type as OptionalType, e.at);
  return checkedView(l, e, { kind: "ref", base: packetData(l), offset, region: "packet", layout: e.layout!, align: 1 });
}

/**
 * The verifier refuses the addition itself when it cannot see the offset's bound, so a guard comes first. It forgets
 * bounds that are proven here (across a byte swap, for one), so the guard is always made; the optimiser removes it
 * where the verifier sees the bound too.
 */
function atVariable(l: Lowering, e: OperationExpression): Lowered {
  const { builder } = l;
  const offset = lowerScalar(l, e.args[0]!);
  const [near, far] = [builder.newBlock(), builder.newBlock()];
  const join = l.join(e.type, e.at);
  const most = farthest - viewSize(e);
  const right = l.constant(most, e.at);
  builder.branch({ op: "ule", width: 64, left: offset, right, then: near, otherwise: far, at: e.at });
  builder.seal(far);
  builder.switchTo(far);
  join.arrive(l.absentValue(e.type as OptionalType, e.at));
  builder.seal(near);
  builder.switchTo(near);
  const base = builder.address(packetData(l), offset, e.at, most);
  join.arrive(checkedView(l, e, { kind: "ref", base, offset: 0, region: "packet", layout: e.layout!, align: 1 }));
  return join.finish();
}

/** The view if it ends before the packet does, else absent. Its address dominates the join, so only presence joins. */
function checkedView(l: Lowering, e: OperationExpression, view: Reference): Lowered {
  const present = l.presentWhen(e.at, (inside, outside) => boundsCheck(l, view, viewSize(e), inside, outside, e.at));
  return { kind: "optional", present, of: view };
}

/** Goes to `inside` when `size` bytes at the reference lie before the packet's end. */
export function boundsCheck(
  l: Lowering,
  view: Reference,
  size: number,
  inside: Block,
  outside: Block,
  at: Position,
): void {
  const end = l.builder.address(view.base, l.constant(view.offset + size, at), at);
  l.builder.branch({
    op: "ule",
    width: 64,
    left: end,
    right: packetEnd(l),
    then: inside,
    otherwise: outside,
    likely: "then",
    at,
  });
}
