import type { Position } from "../hir/position.ts";
import type { KernelFieldExpression } from "../hir/tree.ts";
import type { RefType, Type } from "../hir/types.ts";
import { helpers } from "../ir/helpers.ts";
import type { Size, Value } from "../ir/ir.ts";
import { lowerReference } from "./expressions.ts";
import { type Lowered, type Reference, scalar } from "./lowered.ts";
import type { Lowering } from "./lowering.ts";
import { MissingKernelType } from "./missing.ts";
import type { KernelField } from "./options.ts";

/** A field of a kernel structure at the offset and with the size that the running kernel gives it. */
export function lowerKernelField(l: Lowering, e: KernelFieldExpression): Lowered {
  const base = lowerReference(l, e.base);
  const field = l.options.kernel?.field(e.struct, e.path);
  if (!field) throw new MissingKernelType(e.struct, e.path, e.at);
  const place: Reference = { ...base, offset: base.offset + field.offset };
  if (field.aggregate) return aggregate(l, place, e.type, e.at);
  const value = convertBits(l, readField(l, place, field, e.at), field, e.at);
  return pointed(e.type, value);
}

function aggregate(l: Lowering, place: Reference, type: Type, at: Position): Lowered {
  if (type.kind === "ref") return { ...place, layout: type.layout };
  return scalar(l.address(place, at));
}

function pointed(type: Type, value: Value): Lowered {
  const reference = (of: RefType): Reference => ({
    kind: "ref",
    base: value,
    offset: 0,
    region: of.region,
    layout: of.layout,
    align: 1,
  });
  if (type.kind === "ref") return reference(type);
  if (type.kind === "optional" && type.of.kind === "ref") {
    return { kind: "optional", present: value, of: reference(type.of) };
  }
  return scalar(value);
}

/**
 * The context record and, in programs at BTF tracepoints, whatever the typed arguments lead to is read directly (the
 * verifier knows the types, a fault reads zero); any other kernel address goes through bpf_probe_read_kernel.
 */
function readField(l: Lowering, place: Reference, field: KernelField, at: Position): Value {
  const size = field.size as Size;
  const signed = field.signed && size < 8 && !field.bits;
  const typed = l.routine.kind === "btfTracepoint" && !field.bits;
  if (place.region === "context" || typed) return l.load(place, size, at, { signed });
  const slot = l.newSlot({ kind: "bytes", length: 8 }, 8, at);
  const source = l.address(place, at);
  l.store(slot, 8, l.constant(0, at), at);
  const args = [l.address(slot, at), l.constant(size, at), source];
  l.builder.callHelper(helpers.probeReadKernel.id, args, at);
  return l.load(slot, size, at, { signed });
}

function convertBits(l: Lowering, unit: Value, field: KernelField, at: Position): Value {
  if (!field.bits) return unit;
  const { shift, width } = field.bits;
  const { builder } = l;
  if (field.signed) {
    const top = builder.binary("shl", 64, unit, l.constant(64 - shift - width, at), at);
    return builder.binary("ashr", 64, top, l.constant(64 - width, at), at);
  }
  const shifted = shift === 0 ? unit : builder.binary("lshr", 64, unit, l.constant(shift, at), at);
  return builder.binary("and", 64, shifted, l.constant((1n << BigInt(width)) - 1n, at), at);
}
