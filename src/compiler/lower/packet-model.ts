import type { PacketModel } from "../../language/kinds.ts";
import type { Position } from "../hir/position.ts";
import { helpers } from "../ir/helpers.ts";
import type { Value } from "../ir/ir.ts";
import type { Lowering } from "./lowering.ts";
import { reachOf } from "./reach.ts";

/** Offsets in the context record of a packet hook: struct xdp_md, struct __sk_buff (include/uapi/linux/bpf.h). */
export interface ContextOffsets {
  readonly data: number;
  readonly dataEnd: number;
  readonly ingressIfindex: number;
  readonly queue: number;
}

const offsets: Readonly<Record<PacketModel, ContextOffsets>> = {
  xdp: { data: 0, dataEnd: 4, ingressIfindex: 12, queue: 16 },
  skb: { data: 76, dataEnd: 80, ingressIfindex: 36, queue: 12 },
};

/** Only in struct __sk_buff. */
export const skbOffsets = {
  length: 0,
  vlanPresent: 20,
  vlanTci: 24,
  /** In network order. */
  vlanProtocol: 28,
  protocol: 16,
  ifindex: 40,
  gsoSize: 176,
  /** Two of the five words that programs may use (cb). */
  note: 48,
  noteCheck: 52,
} as const;

export function contextOffsets(l: Lowering): ContextOffsets {
  return offsets[packetModel(l)];
}

export function packetModel(l: Lowering): PacketModel {
  const model = l.options.hook.packetModel;
  if (!model) throw new Error(`${l.options.hook.name} has no packet`);
  return model;
}

const dataVariable = "packet.data";
const dataEndVariable = "packet.end";

/**
 * Reads the packet's bounds from the context. Once per epoch: the verifier forgets every check that was made against
 * an older `data`, so it must stay one value until a helper moves the packet.
 */
export function beginEpoch(l: Lowering, at: Position): void {
  readBounds(l, at);
  if (packetModel(l) === "skb") pullHeaders(l, at);
}

/** The packet's bounds as they are now; views made before keep what was checked about them. */
export function readBounds(l: Lowering, at: Position): void {
  const { data, dataEnd } = contextOffsets(l);
  l.builder.write(dataVariable, loadContext(l, data, at));
  l.builder.write(dataEndVariable, loadContext(l, dataEnd, at));
}

/**
 * An skb may hold only a part of the packet in the linear area that programs see; a header behind it would look
 * absent, which is a way around a policy. So where the farthest byte that the program looks at is not linear although
 * the packet is longer, it is pulled in first. Most packets cost one comparison; it is one of numbers, since one of
 * addresses would tell the verifier of bytes that are there on this way only, and it would walk all that follows twice.
 */
function pullHeaders(l: Lowering, at: Position): void {
  const reach = reachOf(l);
  if (reach === 0) return;
  const { builder } = l;
  const [short, partial, ready] = [builder.newBlock(), builder.newBlock(), builder.newBlock()];
  const linear = builder.binary("sub", 64, packetEnd(l), packetData(l), at);
  const wanted = l.constant(reach, at);
  builder.branch({
    op: "uge",
    width: 64,
    left: linear,
    right: wanted,
    then: ready,
    otherwise: short,
    likely: "then",
    at,
  });
  builder.seal(short);
  builder.switchTo(short);
  const length = loadContext(l, skbOffsets.length, at);
  builder.branch({ op: "uge", width: 64, left: linear, right: length, then: ready, otherwise: partial, at });
  builder.seal(partial);
  builder.switchTo(partial);
  pull(l, reach, length, at);
  builder.jump(ready, at);
  builder.seal(ready);
  builder.switchTo(ready);
}

/** Pulls min(length, reach) bytes; without the memory for it the packet is dropped, not judged by half. */
function pull(l: Lowering, reach: number, length: Value, at: Position): void {
  const { builder } = l;
  const [long, pulling, failed, pulled] = [
    builder.newBlock(),
    builder.newBlock(),
    builder.newBlock(),
    builder.newBlock(),
  ];
  builder.write("pull.size", length);
  const most = l.constant(reach, at);
  builder.branch({ op: "ugt", width: 64, left: length, right: most, then: long, otherwise: pulling, at });
  builder.seal(long);
  builder.switchTo(long);
  builder.write("pull.size", most);
  builder.jump(pulling, at);
  builder.seal(pulling);
  builder.switchTo(pulling);
  const error = builder.callHelper(helpers.skbPullData.id, [l.context, builder.read("pull.size")], at);
  l.branchNonZero(error, failed, pulled, at);
  builder.seal(failed);
  builder.switchTo(failed);
  l.leave(l.verdict("aborted", at), at);
  builder.seal(pulled);
  builder.switchTo(pulled);
  readBounds(l, at);
}

/** The builder's variables that an epoch sets. */
export const beginEpochVariables = [dataVariable, dataEndVariable] as const;

export function packetData(l: Lowering): Value {
  return l.builder.read(dataVariable);
}

export function packetEnd(l: Lowering): Value {
  return l.builder.read(dataEndVariable);
}

/** A 32-bit field of the context record. */
export function loadContext(l: Lowering, offset: number, at: Position): Value {
  return l.builder.load({ size: 4, signed: false, base: l.context, offset, region: "context", at });
}
