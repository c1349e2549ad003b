import type { OperationExpression } from "../../hir/tree.ts";
import { helpers } from "../../ir/helpers.ts";
import type { Block, Value } from "../../ir/ir.ts";
import { lowerScalar } from "../expressions.ts";
import { type Lowered, type Reference, scalar } from "../lowered.ts";
import type { Lowering } from "../lowering.ts";
import { beginEpoch, packetData, packetModel } from "../packet-model.ts";
import { boundsCheck } from "./packet.ts";

/** BPF_F_PSEUDO_HDR and BPF_F_MARK_MANGLED_0 of bpf_l4_csum_replace. */
const flags = { pseudoHeader: 0x10, zeroMeansNone: 0x20 } as const;
const farthest = 0xffff - 2;

interface Change {
  /** Where the checksum lies. */
  readonly offset: Value;
  /** The field before and after, in network order: one's complement sums do not mind the order of bytes (RFC 1071). */
  readonly from: Value;
  readonly to: Value;
  readonly size: number;
  readonly layer: number;
  readonly pseudoHeader: boolean;
  readonly zeroMeansNone: boolean;
}

/**
 * Updates a checksum after a field changed. In plain frames it is arithmetic (RFC 1624, equation 3). An skb's checksum
 * may be partial or belong to the device, which only the kernel's helpers keep right.
 */
export function lowerReplaceChecksum(l: Lowering, e: OperationExpression): Lowered {
  const [size = 2, layer = 4, pseudoHeader = 0, zeroMeansNone = 0] = e.constants ?? [];
  const [offset, from, to] = e.args.map((argument) => lowerScalar(l, argument));
  const swap = size === 2 ? "bswap16" : "bswap32";
  const change: Change = {
    offset: offset!,
    from: l.builder.unary(swap, from!, e.at),
    to: l.builder.unary(swap, to!, e.at),
    size,
    layer,
    pseudoHeader: layer === 4 && pseudoHeader !== 0,
    zeroMeansNone: layer === 4 && zeroMeansNone !== 0,
  };
  const value = l.presentWhen(e.at, (done, failed) => {
    if (packetModel(l) === "skb") replaceInSkb(l, e, change, done, failed);
    else replaceInFrame(l, e, change, done, failed);
  });
  return scalar(value);
}

/**
 * At layer 3 two bytes go as four: the kernel has one sum for two bytes and another for four (csum_replace2 and
 * csum_replace4), which give different zeros for a checksum of all ones that loses a field of all ones.
 */
function replaceInSkb(l: Lowering, e: OperationExpression, change: Change, done: Block, failed: Block): void {
  const helper = change.layer === 3 ? helpers.l3CsumReplace.id : helpers.l4CsumReplace.id;
  const mode = (change.pseudoHeader ? flags.pseudoHeader : 0) | (change.zeroMeansNone ? flags.zeroMeansNone : 0);
  const size = change.layer === 3 ? 4 : change.size;
  const how = l.constant(size | mode, e.at);
  const error = l.builder.callHelper(helper, [l.context, change.offset, change.from, change.to, how], e.at);
  beginEpoch(l, e.at);
  l.branchNonZero(error, failed, done, e.at);
}

function replaceInFrame(l: Lowering, e: OperationExpression, change: Change, done: Block, failed: Block): void {
  const { builder } = l;
  const [near, even, inside, known] = [builder.newBlock(), builder.newBlock(), builder.newBlock(), builder.newBlock()];
  const right = l.constant(farthest, e.at);
  builder.branch({ op: "ule", width: 64, left: change.offset, right, then: near, otherwise: failed, at: e.at });
  builder.seal(near);
  builder.switchTo(near);
  // As the helpers for skbs do (bpf_l3_csum_replace, net/core/filter.c).
  l.branchNonZero(builder.binary("and", 64, change.offset, l.constant(1, e.at), e.at), failed, even, e.at);
  builder.seal(even);
  builder.switchTo(even);
  const base = builder.address(packetData(l), change.offset, e.at, farthest);
  const layout = { kind: "bytes", length: 2 } as const;
  const place: Reference = { kind: "ref", base, offset: 0, region: "packet", layout, align: 1 };
  boundsCheck(l, place, 2, inside, failed, e.at);
  builder.seal(inside);
  builder.switchTo(inside);
  const old = l.load(place, 2, e.at);
  if (change.zeroMeansNone) l.branchNonZero(old, known, done, e.at);
  else builder.jump(known, e.at);
  builder.seal(known);
  builder.switchTo(known);
  l.store(place, 2, updatedChecksum(l, e, change, old), e.at);
  builder.jump(done, e.at);
}

/**
 * HC' = ~(~HC + ~m + m') in 16-bit one's complement. The 0xffff that is added is a zero: a sum that is never 0 folds to
 * what the kernel's own arithmetic gives (csum_replace4), also where both zeros would do.
 */
function updatedChecksum(l: Lowering, e: OperationExpression, change: Change, old: Value): Value {
  const { builder } = l;
  const low = l.constant(0xffff, e.at);
  const add = (a: Value, b: Value): Value => builder.binary("add", 64, a, b, e.at);
  const fold = (value: Value): Value =>
    add(builder.binary("and", 64, value, low, e.at), builder.binary("lshr", 64, value, l.constant(16, e.at), e.at));
  const all = change.size === 2 ? low : l.constant(0xffff_ffff, e.at);
  const removed = builder.binary("xor", 32, change.from, all, e.at);
  const kept = add(builder.binary("xor", 64, old, low, e.at), low);
  let sum = add(add(kept, removed), change.to);
  // 16 bits: at most 4 * 0xffff, folded in two steps; 32 bits: at most 2^33 and a bit, in three.
  for (let step = change.size === 2 ? 2 : 3; step > 0; step--) sum = fold(sum);
  const folded = builder.binary("xor", 64, sum, low, e.at);
  return change.zeroMeansNone ? zeroAsOnes(l, e, folded) : folded;
}

/** A computed checksum of zero is sent as all ones where zero stands for "none" (RFC 768). */
function zeroAsOnes(l: Lowering, e: OperationExpression, value: Value): Value {
  const { builder } = l;
  const variable = `checksum${value}`;
  const [zero, after] = [builder.newBlock(), builder.newBlock()];
  builder.write(variable, value);
  l.branchNonZero(value, after, zero, e.at);
  builder.seal(zero);
  builder.switchTo(zero);
  builder.write(variable, l.constant(0xffff, e.at));
  builder.jump(after, e.at);
  builder.seal(after);
  builder.switchTo(after);
  return builder.read(variable);
}
