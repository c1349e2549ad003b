import type { OperationExpression } from "../../hir/tree.ts";
import { helpers } from "../../ir/helpers.ts";
import { lowerScalar } from "../expressions.ts";
import { type Lowered, nothing, scalar } from "../lowered.ts";
import type { Lowering } from "../lowering.ts";
import { beginEpoch, packetModel } from "../packet-model.ts";

/** PACKET_HOST, include/uapi/linux/if_packet.h. */
const toThisHost = 0;

/** bpf_clone_redirect unshares the packet's head, so its bounds are read anew (net/core/filter.c). */
export function lowerCloneTo(l: Lowering, e: OperationExpression): Lowered {
  const device = lowerScalar(l, e.args[0]!);
  const error = l.builder.callHelper(helpers.cloneRedirect.id, [l.context, device, l.constant(0, e.at)], e.at);
  beginEpoch(l, e.at);
  return scalar(l.presentWhen(e.at, (yes, no) => l.branchNonZero(error, no, yes, e.at)));
}

/** A frame at XDP has no type yet: the stack finds it out behind the program. */
export function lowerSetType(l: Lowering, e: OperationExpression): Lowered {
  if (packetModel(l) === "skb")
    l.builder.callHelper(helpers.skbChangeType.id, [l.context, l.constant(toThisHost, e.at)], e.at);
  return nothing;
}
