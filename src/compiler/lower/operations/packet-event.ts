import { sizeOf } from "../../hir/layout.ts";
import { packetRecord } from "../../hir/packet-record.ts";
import type { Expression, OperationExpression } from "../../hir/tree.ts";
import { helpers } from "../../ir/helpers.ts";
import type { Block, Value } from "../../ir/ir.ts";
import { lowerExpression } from "../expressions.ts";
import { type Lowered, type Reference, scalar } from "../lowered.ts";
import type { Lowering } from "../lowering.ts";
import { copyBytes } from "../memory.ts";
import { fillNew } from "../new.ts";
import { packetModel } from "../packet-model.ts";
import { lowerLength } from "./packet.ts";

/**
 * Reserves a record of constant size and writes the event and as much of the packet as fits into it. Bytes behind that
 * keep what was in the ring: the host reads as many as the record says.
 */
export function lowerEmitPacket(l: Lowering, e: OperationExpression): Lowered {
  const { builder } = l;
  const map = l.module.maps[e.map!]!;
  const form = packetRecord(map);
  if (!form || !map.value) throw new Error("HIR is not well formed: a ring without packets");
  const fill = eventFiller(l, e.args[0]!);
  const length = lengthOf(l, e);
  const address = builder.mapAddress(e.map!, e.at);
  const sizes = [l.constant(form.size, e.at), l.constant(0, e.at)];
  const record = builder.callHelper(helpers.ringbufReserve.id, [address, ...sizes], e.at);
  const place: Reference = { kind: "ref", base: record, offset: 0, region: "record", layout: map.value, align: 8 };
  const sent = l.presentWhen(e.at, (yes, no) => {
    const reserved = builder.newBlock();
    l.branchNonZero(record, reserved, no, e.at);
    begin(l, reserved);
    fill(place);
    const captured = capturedOf(l, e, length, map.packetBytes!);
    l.store(place, 4, length, e.at, form.length);
    l.store(place, 4, captured, e.at, form.captured);
    const target = builder.address(record, l.constant(form.packet, e.at), e.at);
    loadPacket(
      l,
      e,
      { target, captured },
      {
        loaded: (): void => end(l, e, record, helpers.ringbufSubmit.id, yes),
        failed: (): void => end(l, e, record, helpers.ringbufDiscard.id, no),
      },
    );
  });
  return scalar(sent);
}

function begin(l: Lowering, block: Block): void {
  l.builder.seal(block);
  l.builder.switchTo(block);
}

function end(l: Lowering, e: OperationExpression, record: Value, helper: number, next: Block): void {
  l.builder.callHelper(helper, [record, l.constant(0, e.at)], e.at);
  l.builder.jump(next, e.at);
}

/** Evaluates the event now; what it gives only writes, since nothing may leave while the record is held. */
function eventFiller(l: Lowering, event: Expression): (record: Reference) => void {
  if (event.kind === "new") {
    const values = event.fields.map((field) => lowerExpression(l, field.value));
    return (record) => fillNew(l, event, values, record);
  }
  const source = lowerExpression(l, event);
  if (source.kind !== "ref") throw new Error("HIR is not well typed: an event with a packet is a struct");
  return (record) => copyBytes(l, record, source, sizeOf(source.layout), event.at);
}

function lengthOf(l: Lowering, e: OperationExpression): Value {
  const length = lowerLength(l, e);
  if (length.kind !== "scalar") throw new Error("a length is a scalar");
  return length.value;
}

/** The lesser of length and room. */
function capturedOf(l: Lowering, e: OperationExpression, length: Value, room: number): Value {
  const { builder } = l;
  const variable = "event.captured";
  const [long, known] = [builder.newBlock(), builder.newBlock()];
  const most = l.constant(room, e.at);
  builder.write(variable, length);
  builder.branch({ op: "ugt", width: 64, left: length, right: most, then: long, otherwise: known, at: e.at });
  begin(l, long);
  builder.write(variable, most);
  builder.jump(known, e.at);
  begin(l, known);
  return builder.read(variable);
}

interface Capture {
  readonly target: Value;
  readonly captured: Value;
}

/** The helpers take no size of zero, which the verifier must be shown. */
function loadPacket(
  l: Lowering,
  e: OperationExpression,
  { target, captured }: Capture,
  { loaded, failed }: { readonly loaded: () => void; readonly failed: () => void },
): void {
  const { builder } = l;
  const [some, done, wrong] = [builder.newBlock(), builder.newBlock(), builder.newBlock()];
  const zero = l.constant(0, e.at);
  builder.branch({
    op: "ugt",
    width: 64,
    left: captured,
    right: zero,
    then: some,
    otherwise: done,
    likely: "then",
    at: e.at,
  });
  begin(l, some);
  const helper = packetModel(l) === "xdp" ? helpers.xdpLoadBytes.id : helpers.skbLoadBytes.id;
  const error = builder.callHelper(helper, [l.context, zero, target, captured], e.at);
  l.branchNonZero(error, wrong, done, e.at);
  begin(l, wrong);
  failed();
  begin(l, done);
  loaded();
}
