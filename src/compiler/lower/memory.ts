import { type BitsLayout, type IntegerLayout, type Layout, sizeOf } from "../hir/layout.ts";
import type { Position } from "../hir/position.ts";
import type { Size, UnaryOp, Value } from "../ir/ir.ts";
import type { Reference } from "./lowered.ts";
import type { Lowering } from "./lowering.ts";
import { accessAlignment, pieces } from "./pieces.ts";

const swaps: Readonly<Record<number, UnaryOp>> = { 2: "bswap16", 4: "bswap32", 8: "bswap64" };
const signs: Readonly<Record<number, UnaryOp>> = { 1: "sext8", 2: "sext16", 4: "sext32" };

export function sizeOfElement(layout: Layout): { readonly layout: Layout; readonly size: number } {
  if (layout.kind === "array") return { layout: layout.element, size: sizeOf(layout.element) };
  if (layout.kind === "bytes") return { layout: { kind: "integer", bits: 8, signed: false, order: "native" }, size: 1 };
  throw new Error(`HIR is not well typed: element of a ${layout.kind}`);
}

export function elementCount(layout: Layout): number {
  if (layout.kind === "array" || layout.kind === "bytes") return layout.length;
  throw new Error(`HIR is not well typed: element of a ${layout.kind}`);
}

/** Reads the scalar behind a reference to a scalar layout, in host order. */
export function loadScalar(l: Lowering, ref: Reference, at: Position): Value {
  const { layout } = ref;
  switch (layout.kind) {
    case "integer":
      return loadInteger(l, ref, layout, at);
    case "bool":
      return loadBoolean(l, ref, at);
    case "bits":
      return loadBits(l, ref, layout, at);
    default:
      throw new Error(`HIR is not well typed: a ${layout.kind} is not loaded whole`);
  }
}

function loadInteger(l: Lowering, ref: Reference, layout: IntegerLayout, at: Position): Value {
  const size = (layout.bits / 8) as Size;
  const swapped = layout.order === "big" && size > 1;
  const value = l.load(ref, size, at, { signed: layout.signed && !swapped && size < 8 });
  if (!swapped) return value;
  const host = l.builder.unary(swaps[size]!, value, at);
  return layout.signed && size < 8 ? l.builder.unary(signs[size]!, host, at) : host;
}

/** Any byte but 0 is true: -x has the sign bit set for x in 1..255. */
function loadBoolean(l: Lowering, ref: Reference, at: Position): Value {
  const byte = l.load(ref, 1, at);
  return l.builder.binary("lshr", 64, l.builder.unary("neg", byte, at), l.constant(63, at), at);
}

function loadUnit(l: Lowering, ref: Reference, layout: BitsLayout, at: Position): Value {
  const size = (layout.bits / 8) as Size;
  const value = l.load(ref, size, at);
  return layout.order === "big" && size > 1 ? l.builder.unary(swaps[size]!, value, at) : value;
}

function loadBits(l: Lowering, ref: Reference, layout: BitsLayout, at: Position): Value {
  const unit = loadUnit(l, ref, layout, at);
  const shifted = layout.shift === 0 ? unit : l.builder.binary("lshr", 64, unit, l.constant(layout.shift, at), at);
  if (layout.shift + layout.width === layout.bits) return shifted;
  return l.builder.binary("and", 64, shifted, l.constant(maskOf(layout.width), at), at);
}

/** Writes a scalar through a reference to a scalar layout. */
export function storeScalar(l: Lowering, ref: Reference, value: Value, at: Position): void {
  const { layout } = ref;
  switch (layout.kind) {
    case "integer": {
      const size = (layout.bits / 8) as Size;
      const swapped = layout.order === "big" && size > 1;
      l.store(ref, size, swapped ? l.builder.unary(swaps[size]!, value, at) : value, at);
      return;
    }
    case "bool":
      l.store(ref, 1, value, at);
      return;
    case "bits":
      storeBits(l, ref, layout, value, at);
      return;
    default:
      throw new Error(`HIR is not well typed: a ${layout.kind} is not stored whole`);
  }
}

function storeBits(l: Lowering, ref: Reference, layout: BitsLayout, value: Value, at: Position): void {
  const { builder } = l;
  const mask = maskOf(layout.width) << BigInt(layout.shift);
  const unit = loadUnit(l, ref, layout, at);
  const kept = builder.binary("and", 64, unit, l.constant(BigInt.asUintN(layout.bits, ~mask), at), at);
  const field = builder.binary("and", 64, value, l.constant(maskOf(layout.width), at), at);
  const placed = layout.shift === 0 ? field : builder.binary("shl", 64, field, l.constant(layout.shift, at), at);
  const merged = builder.binary("or", 64, kept, placed, at);
  const size = (layout.bits / 8) as Size;
  const swapped = layout.order === "big" && size > 1;
  l.store(ref, size, swapped ? builder.unary(swaps[size]!, merged, at) : merged, at);
}

function maskOf(width: number): bigint {
  return (1n << BigInt(width)) - 1n;
}

/** So many pieces of a copy may wait in registers, or be spilled, before the first is written. */
const mostWaiting = 16;

/**
 * Copies `size` bytes in the largest pieces that both places take. Two views of the packet may overlap: there, all is
 * read before anything is written.
 */
export function copyBytes(l: Lowering, target: Reference, source: Reference, size: number, at: Position): void {
  const alignment = Math.min(accessAlignment(target), accessAlignment(source));
  const parts = [...pieces(size, alignment)];
  if (target.region !== "packet" || source.region !== "packet") {
    for (const [delta, piece] of parts) l.store(target, piece, l.load(source, piece, at, { delta }), at, delta);
  } else if (parts.length <= mostWaiting) {
    const values = parts.map(([delta, piece]) => l.load(source, piece, at, { delta }));
    for (const [index, [delta, piece]] of parts.entries()) l.store(target, piece, values[index]!, at, delta);
  } else {
    const between = l.newSlot(target.layout, size, at);
    copyBytes(l, between, source, size, at);
    copyBytes(l, target, between, size, at);
  }
}

/** Sets `size` bytes to zero. */
export function clearBytes(l: Lowering, target: Reference, size: number, at: Position): void {
  const zero = l.constant(0, at);
  for (const [delta, piece] of pieces(size, accessAlignment(target))) l.store(target, piece, zero, at, delta);
}
