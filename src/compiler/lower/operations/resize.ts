import type { Position } from "../../hir/position.ts";
import { tagProtocols } from "../../hir/tag-protocols.ts";
import type { OperationExpression } from "../../hir/tree.ts";
import { helpers } from "../../ir/helpers.ts";
import type { Block, Value } from "../../ir/ir.ts";
import { lowerScalar } from "../expressions.ts";
import { type Lowered, type Reference, scalar } from "../lowered.ts";
import type { Lowering } from "../lowering.ts";
import { clearBytes } from "../memory.ts";
import { beginEpoch, loadContext, packetData, packetEnd, packetModel, skbOffsets } from "../packet-model.ts";
import { pieces } from "../pieces.ts";
import { boundsCheck } from "./packet.ts";

const macAddresses = 12;
const ethernet = 14;
const vlanTag = 4;
/** BPF_ADJ_ROOM_MAC: right behind the Ethernet header. */
const roomAtMac = 1;

/** Runs `attempt`, which ends in a jump to its block on failure; the value is whether it came through. */
export function succeeds(l: Lowering, at: Position, attempt: (failed: Block) => void): Lowered {
  const value = l.presentWhen(at, (yes, no) => {
    attempt(no);
    l.builder.jump(yes, at);
  });
  return scalar(value);
}

/** Goes on when the register is zero, else to `failed`. */
export function zeroOr(l: Lowering, value: Value, failed: Block, at: Position): void {
  const fine = l.builder.newBlock();
  l.branchNonZero(value, failed, fine, at);
  l.builder.seal(fine);
  l.builder.switchTo(fine);
}

/** Goes on when the packet has this many bytes, else to `failed`. */
export function lengthOr(l: Lowering, length: number, failed: Block, at: Position): void {
  const fine = l.builder.newBlock();
  boundsCheck(l, packetStart(l), length, fine, failed, at);
  l.builder.seal(fine);
  l.builder.switchTo(fine);
}

function packetStart(l: Lowering, offset = 0): Reference {
  return { kind: "ref", base: packetData(l), offset, region: "packet", layout: { kind: "bytes", length: 0 }, align: 1 };
}

/** A helper that moves the packet: the bounds are read anew on success and on failure. */
export function movingHelper(l: Lowering, helper: number, args: readonly Value[], at: Position): Value {
  const result = l.builder.callHelper(helper, [l.context, ...args], at);
  beginEpoch(l, at);
  return result;
}

export function lowerSetLength(l: Lowering, e: OperationExpression): Lowered {
  return succeeds(l, e.at, (failed) => {
    const length = lowerScalar(l, e.args[0]!);
    if (packetModel(l) === "skb") {
      const error = movingHelper(l, helpers.skbChangeTail.id, [length, l.constant(0, e.at)], e.at);
      zeroOr(l, error, failed, e.at);
      return;
    }
    const current = l.builder.binary("sub", 64, packetEnd(l), packetData(l), e.at);
    const delta = l.builder.binary("sub", 64, length, current, e.at);
    zeroOr(l, movingHelper(l, helpers.xdpAdjustTail.id, [delta], e.at), failed, e.at);
  });
}

export function lowerAdjustRoom(l: Lowering, e: OperationExpression): Lowered {
  const delta = e.constants?.[0] ?? 0;
  return succeeds(l, e.at, (failed) => {
    if (packetModel(l) === "skb") {
      const args = [l.constant(delta, e.at), l.constant(roomAtMac, e.at), l.constant(0, e.at)];
      zeroOr(l, movingHelper(l, helpers.skbAdjustRoom.id, args, e.at), failed, e.at);
    } else if (delta > 0) {
      growAtFront(l, ethernet, delta, failed, e.at);
    } else {
      shrinkAtFront(l, ethernet, -delta, failed, e.at);
    }
    if (delta <= 0) return;
    // What stood there before differs between the hooks: zero on both.
    lengthOr(l, ethernet + delta, failed, e.at);
    clearBytes(l, packetStart(l, ethernet), delta, e.at);
  });
}

/** XDP: makes room at the front and moves the first `kept` bytes forward into it. */
function growAtFront(l: Lowering, kept: number, delta: number, failed: Block, at: Position): void {
  zeroOr(l, movingHelper(l, helpers.xdpAdjustHead.id, [l.constant(-delta, at)], at), failed, at);
  lengthOr(l, kept + delta, failed, at);
  moveBytes(l, packetStart(l), packetStart(l, delta), kept, at);
}

/** XDP: moves the first `kept` bytes back over what goes away, then gives the front up. */
function shrinkAtFront(l: Lowering, kept: number, delta: number, failed: Block, at: Position): void {
  lengthOr(l, kept + delta, failed, at);
  moveBytes(l, packetStart(l, delta), packetStart(l), kept, at);
  zeroOr(l, movingHelper(l, helpers.xdpAdjustHead.id, [l.constant(delta, at)], at), failed, at);
}

/** Reads all before it writes: the two places may overlap. */
function moveBytes(l: Lowering, target: Reference, source: Reference, size: number, at: Position): void {
  const parts = [...pieces(size, 8)].map(([delta, piece]) => ({
    delta,
    piece,
    value: l.load(source, piece, at, { delta }),
  }));
  for (const { delta, piece, value } of parts) l.store(target, piece, value, at, delta);
}

export function lowerPushVlan(l: Lowering, e: OperationExpression): Lowered {
  return succeeds(l, e.at, (failed) => {
    const tag = lowerScalar(l, e.args[0]!);
    const type = l.constant(networkOrder(e.constants?.[0] ?? tagProtocols.customer), e.at);
    if (packetModel(l) === "skb") {
      zeroOr(l, movingHelper(l, helpers.skbVlanPush.id, [type, tag], e.at), failed, e.at);
      return;
    }
    growAtFront(l, macAddresses, vlanTag, failed, e.at);
    l.store(packetStart(l, macAddresses), 2, type, e.at);
    l.store(packetStart(l, macAddresses + 2), 2, l.builder.unary("bswap16", tag, e.at), e.at);
  });
}

/** The bytes of a 16-bit number in network order, as a little-endian machine loads them. */
function networkOrder(value: number): number {
  return ((value & 0xff) << 8) | (value >> 8);
}

export function lowerPopVlan(l: Lowering, e: OperationExpression): Lowered {
  return succeeds(l, e.at, (failed) => {
    if (packetModel(l) === "skb") {
      tagOrFail(l, failed, e.at);
      zeroOr(l, movingHelper(l, helpers.skbVlanPop.id, [], e.at), failed, e.at);
      return;
    }
    lengthOr(l, ethernet + vlanTag, failed, e.at);
    const type = l.builder.unary("bswap16", l.load(packetStart(l, macAddresses), 2, e.at), e.at);
    vlanTypeOr(l, type, failed, e.at);
    shrinkAtFront(l, macAddresses, vlanTag, failed, e.at);
  });
}

/** bpf_skb_vlan_pop succeeds on a packet without a tag and does nothing (skb_vlan_pop): ask first. */
function tagOrFail(l: Lowering, failed: Block, at: Position): void {
  const { builder } = l;
  const [tagged, inline] = [builder.newBlock(), builder.newBlock()];
  l.branchNonZero(loadContext(l, skbOffsets.vlanPresent, at), tagged, inline, at);
  builder.seal(inline);
  builder.switchTo(inline);
  vlanTypeOr(l, builder.unary("bswap16", loadContext(l, skbOffsets.protocol, at), at), failed, at);
  builder.jump(tagged, at);
  builder.seal(tagged);
  builder.switchTo(tagged);
}

function vlanTypeOr(l: Lowering, type: Value, failed: Block, at: Position): void {
  const { builder } = l;
  const [vlan, other] = [builder.newBlock(), builder.newBlock()];
  for (const [code, next] of [
    [tagProtocols.customer, other],
    [tagProtocols.service, failed],
  ] as const) {
    const right = l.constant(code, at);
    builder.branch({ op: "eq", width: 64, left: type, right, then: vlan, otherwise: next, at });
    if (next === failed) break;
    builder.seal(next);
    builder.switchTo(next);
  }
  builder.seal(vlan);
  builder.switchTo(vlan);
}
