import type { OperationExpression } from "../../hir/tree.ts";
import { boolType } from "../../hir/types.ts";
import { helpers } from "../../ir/helpers.ts";
import { lowerScalar } from "../expressions.ts";
import { type Lowered, nothing, scalar } from "../lowered.ts";
import type { Lowering } from "../lowering.ts";
import { beginEpoch, loadContext, packetModel, skbOffsets } from "../packet-model.ts";

/** BPF_F_INGRESS, include/uapi/linux/bpf.h. */
export const ingress = 1;
/** PACKET_HOST, include/uapi/linux/if_packet.h. */
const toThisHost = 0;

/** bpf_clone_redirect unshares the packet's head, so its bounds are read anew (net/core/filter.c). */
export function lowerCloneTo(flags: number) {
  return (l: Lowering, e: OperationExpression): Lowered => {
    const device = lowerScalar(l, e.args[0]!);
    const error = l.builder.callHelper(helpers.cloneRedirect.id, [l.context, device, l.constant(flags, e.at)], e.at);
    beginEpoch(l, e.at);
    return scalar(l.presentWhen(e.at, (yes, no) => l.branchNonZero(error, no, yes, e.at)));
  };
}

/** A frame at XDP has no type yet: the stack finds it out behind the program. */
export function lowerSetType(l: Lowering, e: OperationExpression): Lowered {
  if (packetModel(l) === "skb")
    l.builder.callHelper(helpers.skbChangeType.id, [l.context, l.constant(toThisHost, e.at)], e.at);
  return nothing;
}

export function lowerDevice(l: Lowering, e: OperationExpression): Lowered {
  return scalar(loadContext(l, skbOffsets.ifindex, e.at));
}

/**
 * A note lies in the control block of the skb, which each layer of the stack takes for its own: it lives from one hook
 * to the next, over a redirect, and no longer (ip_rcv clears it, net/ipv4/ip_input.c). What other layers left there
 * does not look like a note: it is of two words, which no option of a packet can give.
 */
const notes = [0x10f0_a5c3, 0x10f0_5a3c] as const;
const noteCheck = 0x8d3b_62e9;

const sideOf = (e: OperationExpression): 0 | 1 => (e.constants?.[0] === 1 ? 1 : 0);

export function lowerMarkHandled(l: Lowering, e: OperationExpression): Lowered {
  storeNote(l, e, notes[sideOf(e)], noteCheck);
  return nothing;
}

export function lowerTakeHandled(l: Lowering, e: OperationExpression): Lowered {
  const { builder } = l;
  const [noted, taken, absent] = [builder.newBlock(), builder.newBlock(), builder.newBlock()];
  const join = l.join(boolType, e.at);
  const isNote = (offset: number, value: number, then: typeof noted): void =>
    builder.branch({
      op: "eq",
      width: 32,
      left: loadContext(l, offset, e.at),
      right: l.constant(value, e.at),
      then,
      otherwise: absent,
      likely: "otherwise",
      at: e.at,
    });
  isNote(skbOffsets.note, notes[sideOf(e)], noted);
  builder.seal(noted);
  builder.switchTo(noted);
  isNote(skbOffsets.noteCheck, noteCheck, taken);
  builder.seal(taken);
  builder.switchTo(taken);
  storeNote(l, e, 0, 0);
  join.arrive(scalar(l.constant(1, e.at)));
  builder.seal(absent);
  builder.switchTo(absent);
  join.arrive(scalar(l.constant(0, e.at)));
  return join.finish();
}

function storeNote(l: Lowering, e: OperationExpression, note: number, check: number): void {
  const store = (offset: number, value: number): void =>
    l.builder.store({
      size: 4,
      base: l.context,
      offset,
      value: l.constant(value, e.at),
      region: "context",
      at: e.at,
    });
  store(skbOffsets.note, note);
  store(skbOffsets.noteCheck, check);
}
