import type { OperationExpression } from "../../hir/tree.ts";
import { verdictType } from "../../hir/types.ts";
import { helpers } from "../../ir/helpers.ts";
import type { Value } from "../../ir/ir.ts";
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

/** BPF_F_INGRESS. */
const ingress = 1;

export function lowerRedirectIngress(l: Lowering, e: OperationExpression): Lowered {
  const device = lowerScalar(l, e.args[0]!);
  return scalar(l.builder.callHelper(helpers.redirect.id, [device, l.constant(ingress, e.at)], e.at));
}

/** BPF_F_BROADCAST and BPF_F_EXCLUDE_INGRESS (include/uapi/linux/bpf.h), Linux 5.13. */
const broadcast = 1 << 3;
const excludeIngress = 1 << 4;

export function lowerBroadcast(l: Lowering, e: OperationExpression): Lowered {
  const map = l.builder.mapAddress(e.map!, e.at);
  const flags = l.constant(broadcast | (e.constants?.[0] ? excludeIngress : 0), e.at);
  return scalar(l.builder.callHelper(helpers.redirectMap.id, [map, l.constant(0, e.at), flags], e.at));
}

/** The device map that a key of a map of maps leads to; without one the packet is dropped. */
export function lowerBroadcastIn(l: Lowering, e: OperationExpression): Lowered {
  const flags = l.constant(broadcast | (e.constants?.[0] ? excludeIngress : 0), e.at);
  const send = (devices: Value): Value =>
    l.builder.callHelper(helpers.redirectMap.id, [devices, l.constant(0, e.at), flags], e.at);
  return scalar(withFound(l, e, send));
}

/**
 * XDP returns the flags' low bits when the key is absent: 1 is XDP_DROP (bpf_redirect_map). tc has no such helper:
 * there the device is looked up in the map (Linux 5.8 lets programs read device maps).
 */
export function lowerRedirectMap(l: Lowering, e: OperationExpression): Lowered {
  if (packetModel(l) === "skb") return scalar(redirectToFound(l, e, 0));
  const key = lowerScalar(l, e.args[0]!);
  const map = l.builder.mapAddress(e.map!, e.at);
  const absent = l.verdict("drop", e.at);
  return scalar(l.builder.callHelper(helpers.redirectMap.id, [map, key, absent], e.at));
}

export function lowerDeliverMap(l: Lowering, e: OperationExpression): Lowered {
  return scalar(redirectToFound(l, e, ingress));
}

function redirectToFound(l: Lowering, e: OperationExpression, flags: number): Value {
  return withFound(l, e, (found) => {
    const ifindex = l.builder.load({ size: 4, signed: false, base: found, offset: 0, region: "map", at: e.at });
    return l.builder.callHelper(helpers.redirect.id, [ifindex, l.constant(flags, e.at)], e.at);
  });
}

/** Looks up the operation's key in its map: the verdict of what is there, or drop. */
function withFound(l: Lowering, e: OperationExpression, verdictOf: (found: Value) => Value): Value {
  const { builder } = l;
  const key = lowerScalar(l, e.args[0]!);
  const map = builder.mapAddress(e.map!, e.at);
  const slot = l.newSlot({ kind: "bytes", length: 4 }, 4, e.at);
  l.store(slot, 4, key, e.at);
  const found = builder.callHelper(helpers.mapLookup.id, [map, l.address(slot, e.at)], e.at);
  const [present, absent] = [builder.newBlock(), builder.newBlock()];
  const join = l.join(verdictType, e.at);
  l.branchNonZero(found, present, absent, e.at);
  builder.seal(absent);
  builder.switchTo(absent);
  join.arrive(scalar(l.verdict("drop", e.at)));
  builder.seal(present);
  builder.switchTo(present);
  join.arrive(scalar(verdictOf(found)));
  const joined = join.finish();
  if (joined.kind !== "scalar") throw new Error("a verdict is a scalar");
  return joined.value;
}
