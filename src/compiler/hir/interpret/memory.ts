import type { BitsLayout, IntegerLayout, Layout, ScalarLayout } from "../layout.ts";
import { sizeOf } from "../layout.ts";

/** Native order is little-endian: all that the oracles run on. */
function isLittle(order: "native" | "big"): boolean {
  return order === "native";
}

function readUnit(bytes: Uint8Array, offset: number, layout: IntegerLayout | BitsLayout): bigint {
  const size = layout.bits / 8;
  let value = 0n;
  for (let index = 0; index < size; index++) {
    const at = isLittle(layout.order) ? size - 1 - index : index;
    value = (value << 8n) | BigInt(bytes[offset + at]!);
  }
  return value;
}

function writeUnit(bytes: Uint8Array, offset: number, layout: IntegerLayout | BitsLayout, value: bigint): void {
  const size = layout.bits / 8;
  for (let index = 0; index < size; index++) {
    const at = isLittle(layout.order) ? index : size - 1 - index;
    bytes[offset + at] = Number((value >> BigInt(8 * index)) & 0xffn);
  }
}

/** The scalar that lies at an offset. */
export function readScalar(bytes: Uint8Array, offset: number, layout: ScalarLayout): bigint | boolean {
  switch (layout.kind) {
    case "bool":
      return bytes[offset] !== 0;
    case "integer": {
      const unit = readUnit(bytes, offset, layout);
      return layout.signed ? BigInt.asIntN(layout.bits, unit) : unit;
    }
    case "bits":
      return (readUnit(bytes, offset, layout) >> BigInt(layout.shift)) & mask(layout.width);
  }
}

/** Writes a scalar's low bits; of a bit field's unit only the field changes. */
export function writeScalar(bytes: Uint8Array, offset: number, layout: ScalarLayout, value: bigint | boolean): void {
  switch (layout.kind) {
    case "bool":
      bytes[offset] = value ? 1 : 0;
      return;
    case "integer":
      writeUnit(bytes, offset, layout, BigInt.asUintN(layout.bits, BigInt(value)));
      return;
    case "bits": {
      const field = mask(layout.width) << BigInt(layout.shift);
      const unit = readUnit(bytes, offset, layout) & ~field;
      writeUnit(bytes, offset, layout, unit | ((BigInt(value) << BigInt(layout.shift)) & field));
    }
  }
}

function mask(width: number): bigint {
  return (1n << BigInt(width)) - 1n;
}

/** Whether a value survives being written to a scalar layout and read back. */
export function fitsLayout(layout: ScalarLayout, value: bigint): boolean {
  switch (layout.kind) {
    case "bool":
      return value === 0n || value === 1n;
    case "integer":
      return (layout.signed ? BigInt.asIntN : BigInt.asUintN)(layout.bits, value) === value;
    case "bits":
      return value >= 0n && value <= mask(layout.width);
  }
}

/** A scalar alone, as a map's key or value. */
export function scalarBytes(layout: ScalarLayout, value: bigint | boolean): Uint8Array {
  const bytes = new Uint8Array(sizeOf(layout));
  writeScalar(bytes, 0, layout, value);
  return bytes;
}

/** Where a part lies inside of a layout, and what it is. */
export function partOf(layout: Layout, step: number): { readonly offset: number; readonly layout: Layout } {
  switch (layout.kind) {
    case "struct":
    case "union": {
      const field = layout.fields[step]!;
      return { offset: field.offset, layout: field.layout };
    }
    case "array":
      return { offset: step * sizeOf(layout.element), layout: layout.element };
    default:
      return { offset: step, layout: { kind: "integer", bits: 8, signed: false, order: "native" } };
  }
}
