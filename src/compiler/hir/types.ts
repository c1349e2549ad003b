import type { Layout } from "./layout.ts";

/**
 * The types of HIR values.
 *
 * - `number`: an exact integer. Arithmetic on it never wraps: the checker proves that every result fits into a signed
 *   64-bit register, and that what is stored into a narrower place fits there.
 * - `u64`, `i64`: wrap at 64 bits.
 * - `ref`: the address of a value of a layout (also of a scalar one), which is never absent.
 * - `optional`: a value or nothing; of a scalar, a verdict or a reference, never of another optional.
 */
export type Type = ScalarType | RefType | OptionalType | VoidType;

export type ScalarType = NumberType | WideType | BoolType | VerdictType;

export interface NumberType {
  readonly kind: "number";
}

export interface WideType {
  readonly kind: "u64" | "i64";
}

export interface BoolType {
  readonly kind: "bool";
}

/** What a handler returns. Its number depends on the hook, so HIR never does arithmetic on it. */
export interface VerdictType {
  readonly kind: "verdict";
}

export interface VoidType {
  readonly kind: "void";
}

/**
 * Where a reference points, hence what may be done with it:
 * - `packet`: bytes of the packet, readable and writable, stale after the packet was resized or pulled;
 * - `map`: a live map value, readable and writable, atomics allowed;
 * - `local`: storage of this run, readable and writable;
 * - `record`: a ring buffer record that is reserved and not yet submitted: writable;
 * - `context`: the hook's context record (a tracepoint's fields): readable;
 * - `kernel`: kernel memory, readable with fault tolerance only;
 * - `constant`: read-only data (a rule that matched, a constant table).
 */
export type Region = "packet" | "map" | "local" | "record" | "context" | "kernel" | "constant";

export interface RefType {
  readonly kind: "ref";
  readonly region: Region;
  readonly layout: Layout;
}

export interface OptionalType {
  readonly kind: "optional";
  readonly of: ScalarType | RefType;
}

/** The declared width of a `number` variable, a conversion or an integer in memory. */
export type NarrowInteger = "u8" | "u16" | "u32" | "i8" | "i16" | "i32";
export type IntegerName = NarrowInteger | "u64" | "i64";

export const numberType: NumberType = Object.freeze({ kind: "number" });
export const u64Type: WideType = Object.freeze({ kind: "u64" });
export const i64Type: WideType = Object.freeze({ kind: "i64" });
export const boolType: BoolType = Object.freeze({ kind: "bool" });
export const verdictType: VerdictType = Object.freeze({ kind: "verdict" });
export const voidType: VoidType = Object.freeze({ kind: "void" });

export function refType(region: Region, layout: Layout): RefType {
  return Object.freeze({ kind: "ref", region, layout });
}

export function optionalType(of: ScalarType | RefType): OptionalType {
  return Object.freeze({ kind: "optional", of });
}

/** The type of a scalar in memory once it is read. */
export function loadedType(layout: Layout): ScalarType | undefined {
  switch (layout.kind) {
    case "integer":
      return layout.bits < 64 ? numberType : layout.signed ? i64Type : u64Type;
    case "bits":
      return layout.width <= 32 ? numberType : u64Type;
    case "bool":
      return boolType;
    default:
      return undefined;
  }
}

const limits: Readonly<Record<IntegerName, readonly [bigint, bigint]>> = {
  u8: [0n, 0xffn],
  u16: [0n, 0xffffn],
  u32: [0n, 0xffffffffn],
  u64: [0n, 0xffff_ffff_ffff_ffffn],
  i8: [-0x80n, 0x7fn],
  i16: [-0x8000n, 0x7fffn],
  i32: [-0x8000_0000n, 0x7fff_ffffn],
  i64: [-0x8000_0000_0000_0000n, 0x7fff_ffff_ffff_ffffn],
};

/** The least and the greatest value of an integer type. */
export function limitsOf(name: IntegerName): readonly [bigint, bigint] {
  return limits[name];
}
