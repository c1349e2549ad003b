import { isScalar, type Layout, sizeOf } from "../../hir/layout.ts";
import type { Position } from "../../hir/position.ts";
import type { Expression, OperationExpression } from "../../hir/tree.ts";
import type { OptionalType } from "../../hir/types.ts";
import { helpers } from "../../ir/helpers.ts";
import type { Block, Value } from "../../ir/ir.ts";
import { lowerExpression, lowerScalar } from "../expressions.ts";
import { type Lowered, type LoweredOptional, nothing, type Reference, scalar } from "../lowered.ts";
import type { Lowering } from "../lowering.ts";
import { clearBytes, copyBytes, loadScalar, storeScalar } from "../memory.ts";
import { fillNew } from "../new.ts";
import { readBounds } from "../packet-model.ts";

function declaration(l: Lowering, e: OperationExpression) {
  return l.module.maps[e.map!]!;
}

/**
 * The address of a key or value for a helper. Memory that helpers may read as it lies is passed as it is; a scalar is
 * written to the stack first in the layout's byte order.
 */
function argument(l: Lowering, e: Expression, layout: Layout, at: Position): Value {
  return addressOf(l, lowerExpression(l, e), layout, at);
}

function addressOf(l: Lowering, lowered: Lowered, layout: Layout, at: Position): Value {
  if (lowered.kind === "ref" && lowered.region !== "context" && lowered.region !== "kernel") {
    return l.address(lowered, at);
  }
  const slot = l.newSlot(layout, sizeOf(layout), at);
  if (lowered.kind === "scalar") storeScalar(l, slot, lowered.value, at);
  else if (lowered.kind === "ref") copyBytes(l, slot, lowered, sizeOf(layout), at);
  else throw new Error("HIR is not well typed: a key or value is a scalar or a reference");
  return l.address(slot, at);
}

function lookup(
  l: Lowering,
  e: OperationExpression,
): LoweredOptional & { readonly present: Value; readonly of: Reference } {
  const { key, value } = declaration(l, e);
  const map = l.builder.mapAddress(e.map!, e.at);
  const found = l.builder.callHelper(helpers.mapLookup.id, [map, argument(l, e.args[0]!, key!, e.at)], e.at);
  return {
    kind: "optional",
    present: found,
    of: { kind: "ref", base: found, offset: 0, region: "map", layout: value!, align: 8 },
  };
}

export function lowerRef(l: Lowering, e: OperationExpression): Lowered {
  return lookup(l, e);
}

/** A copy: a scalar in a register, an aggregate in storage of its own. */
export function lowerGet(l: Lowering, e: OperationExpression): Lowered {
  const found = lookup(l, e);
  if (!isScalar(found.of.layout)) return copyOf(l, found.present, found.of, e.at);
  const join = l.join(e.type, e.at);
  const [present, absent] = branchTo(l, found.present, e.at);
  enter(l, absent);
  join.arrive(l.absentValue(e.type as OptionalType, e.at));
  enter(l, present);
  join.arrive({ kind: "optional", present: "always", of: scalar(loadScalar(l, found.of, e.at)) });
  return join.finish();
}

/** Storage that is there in any case. Where the verifier is not to know if it was written, it is written always. */
function copyOf(l: Lowering, found: Value, source: Reference, at: Position): LoweredOptional {
  const size = sizeOf(source.layout);
  const copy = l.newSlot(source.layout, size, at);
  const present = l.presentWhen(at, (yes, no) => {
    const [there, missing] = branchTo(l, found, at);
    enter(l, missing);
    if (l.options.fewPaths) clearBytes(l, copy, size, at);
    l.builder.jump(no, at);
    enter(l, there);
    copyBytes(l, copy, source, size, at);
    l.builder.jump(yes, at);
  });
  return { kind: "optional", present, of: copy };
}

function branchTo(l: Lowering, found: Value, at: Position): readonly [present: Block, absent: Block] {
  const [present, absent] = [l.builder.newBlock(), l.builder.newBlock()];
  l.branchNonZero(found, present, absent, at);
  return [present, absent];
}

function enter(l: Lowering, block: Block): void {
  l.builder.seal(block);
  l.builder.switchTo(block);
}

/** Whether a helper succeeded: it gives 0. */
function whetherZero(l: Lowering, result: Value, at: Position): Lowered {
  return scalar(l.presentWhen(at, (yes, no) => l.branchNonZero(result, no, yes, at)));
}

export function lowerSet(l: Lowering, e: OperationExpression): Lowered {
  const { key, value } = declaration(l, e);
  const map = l.builder.mapAddress(e.map!, e.at);
  const keyAddress = argument(l, e.args[0]!, key!, e.at);
  const valueAddress = argument(l, e.args[1]!, value!, e.at);
  const flags = l.constant(e.constants?.[0] ?? 0, e.at);
  const result = l.builder.callHelper(helpers.mapUpdate.id, [map, keyAddress, valueAddress, flags], e.at);
  return whetherZero(l, result, e.at);
}

export function lowerDelete(l: Lowering, e: OperationExpression): Lowered {
  const map = l.builder.mapAddress(e.map!, e.at);
  const key = argument(l, e.args[0]!, declaration(l, e).key!, e.at);
  return whetherZero(l, l.builder.callHelper(helpers.mapDelete.id, [map, key], e.at), e.at);
}

export function lowerPush(l: Lowering, e: OperationExpression): Lowered {
  const map = l.builder.mapAddress(e.map!, e.at);
  const value = argument(l, e.args[0]!, declaration(l, e).value!, e.at);
  return whetherZero(l, l.builder.callHelper(helpers.mapPush.id, [map, value, l.constant(0, e.at)], e.at), e.at);
}

export function lowerTake(helper: number) {
  return (l: Lowering, e: OperationExpression): Lowered => {
    const value = declaration(l, e).value!;
    const slot = l.newSlot(value, sizeOf(value), e.at);
    const map = l.builder.mapAddress(e.map!, e.at);
    const error = l.builder.callHelper(helper, [map, l.address(slot, e.at)], e.at);
    const present = l.presentWhen(e.at, (yes, no) => l.branchNonZero(error, no, yes, e.at));
    const of = isScalar(value) ? scalar(loadScalar(l, slot, e.at)) : slot;
    return { kind: "optional", present, of };
  };
}

/**
 * Sends an event. An object literal is written straight into a reserved record, which saves the copy over the stack;
 * its values are computed before, so that nothing can leave while the record is held.
 */
export function lowerEmit(l: Lowering, e: OperationExpression): Lowered {
  const event = e.args[0]!;
  const layout = declaration(l, e).value!;
  const map = l.builder.mapAddress(e.map!, e.at);
  if (event.kind === "new") {
    const values = event.fields.map((field) => lowerExpression(l, field.value));
    return reserveAndFill(l, e, map, (record) => fillNew(l, event, values, record));
  }
  const source = lowerExpression(l, event);
  // The helper that copies takes no packet memory (check_helper_mem_access allows it to few).
  if (source.kind === "ref" && source.region === "packet") {
    return reserveAndFill(l, e, map, (record) => copyBytes(l, record, source, sizeOf(layout), e.at));
  }
  const size = l.constant(sizeOf(layout), e.at);
  const args = [map, addressOf(l, source, layout, e.at), size, l.constant(0, e.at)];
  return whetherZero(l, l.builder.callHelper(helpers.ringbufOutput.id, args, e.at), e.at);
}

/** Nothing may leave while the record is held, so `fill` only writes. */
function reserveAndFill(l: Lowering, e: OperationExpression, map: Value, fill: (record: Reference) => void): Lowered {
  const layout = declaration(l, e).value!;
  const sizes = [l.constant(sizeOf(layout), e.at), l.constant(0, e.at)];
  const record = l.builder.callHelper(helpers.ringbufReserve.id, [map, ...sizes], e.at);
  const sent = l.presentWhen(e.at, (yes, no) => {
    const reserved = l.builder.newBlock();
    l.branchNonZero(record, reserved, no, e.at);
    l.builder.seal(reserved);
    l.builder.switchTo(reserved);
    fill({ kind: "ref", base: record, offset: 0, region: "record", layout, align: 8 });
    l.builder.callHelper(helpers.ringbufSubmit.id, [record, l.constant(0, e.at)], e.at);
    l.builder.jump(yes, e.at);
  });
  return scalar(sent);
}

/**
 * A call that comes back left the packet as it was. Yet verifiers before Linux 6.19, back to stable ones of 6.12, take
 * every tail call for a change of the packet and forget the addresses made before, so its bounds are read anew.
 */
export function lowerTailCall(l: Lowering, e: OperationExpression): Lowered {
  const index = lowerScalar(l, e.args[0]!);
  l.builder.callHelper(helpers.tailCall.id, [l.context, l.builder.mapAddress(e.map!, e.at), index], e.at);
  readBounds(l, e.at);
  return nothing;
}
