import type { OperationExpression } from "../../hir/tree.ts";
import { helpers } from "../../ir/helpers.ts";
import { lowerScalar } from "../expressions.ts";
import { type Lowered, scalar } from "../lowered.ts";
import type { Lowering } from "../lowering.ts";
import { loadContext, packetModel, skbOffsets } from "../packet-model.ts";

export function lowerVerdict(name: string) {
  return (l: Lowering, e: OperationExpression): Lowered => scalar(l.verdict(name, e.at));
}

/** Back out of the device: a verdict of its own at XDP, a redirect to the packet's device elsewhere. */
export function lowerTransmit(l: Lowering, e: OperationExpression): Lowered {
  if (packetModel(l) === "xdp") return scalar(l.verdict("transmit", e.at));
  const device = loadContext(l, skbOffsets.ifindex, e.at);
  return scalar(l.builder.callHelper(helpers.redirect.id, [device, l.constant(0, e.at)], e.at));
}

export function lowerRedirect(l: Lowering, e: OperationExpression): Lowered {
  const device = lowerScalar(l, e.args[0]!);
  return scalar(l.builder.callHelper(helpers.redirect.id, [device, l.constant(0, e.at)], e.at));
}

/** XDP returns the flags' low bits when the key is absent: 1 is XDP_DROP (bpf_redirect_map). */
export function lowerRedirectMap(l: Lowering, e: OperationExpression): Lowered {
  const key = lowerScalar(l, e.args[0]!);
  const map = l.builder.mapAddress(e.map!, e.at);
  const absent = l.constant(l.options.hook.verdicts["drop"] ?? 0, e.at);
  return scalar(l.builder.callHelper(helpers.redirectMap.id, [map, key, absent], e.at));
}
