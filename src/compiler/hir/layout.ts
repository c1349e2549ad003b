/**
 * Layouts: how a value lies in memory (a packet header, a map's key or value, an event, a local structure).
 *
 * Plain data; sizes and offsets are bytes. Natural alignment, as in C, for native integers; big-endian integers and
 * byte arrays have alignment 1, so that a protocol header lies as its RFC draws it.
 */
export type Layout = ScalarLayout | BytesLayout | ArrayLayout | StructLayout | UnionLayout | OpaqueLayout;

export type IntegerBits = 8 | 16 | 32 | 64;

export type ScalarLayout = IntegerLayout | BoolLayout | BitsLayout;

export interface IntegerLayout {
  readonly kind: "integer";
  readonly bits: IntegerBits;
  readonly signed: boolean;
  /** "big": network order in memory, read and written in host order. */
  readonly order: "native" | "big";
}

/** One byte, 0 or 1 when written; any other value reads as true. */
export interface BoolLayout {
  readonly kind: "bool";
}

/**
 * A bit field: `width` bits inside of a storage unit of `bits` bits, `shift` counted from the unit's least significant
 * bit in host order. Only a struct's field has this layout.
 */
export interface BitsLayout {
  readonly kind: "bits";
  readonly bits: IntegerBits;
  readonly order: "native" | "big";
  readonly shift: number;
  readonly width: number;
}

export interface BytesLayout {
  readonly kind: "bytes";
  readonly length: number;
}

export interface ArrayLayout {
  readonly kind: "array";
  readonly element: Layout;
  readonly length: number;
}

export interface Field {
  readonly name: string;
  readonly offset: number;
  readonly layout: Layout;
}

export interface StructLayout {
  readonly kind: "struct";
  /** The name of its declaration; two structs are the same type only if name, source and fields agree. */
  readonly name: string;
  readonly size: number;
  readonly align: number;
  readonly fields: readonly Field[];
}

export interface UnionLayout {
  readonly kind: "union";
  readonly name: string;
  readonly size: number;
  readonly align: number;
  readonly fields: readonly Field[];
}

/** A kernel object inside of a map's value: only the operations that take it may touch it. */
export interface OpaqueLayout {
  readonly kind: "opaque";
  readonly what: "spinLock" | "timer";
}

/** sizeof(struct bpf_fib_lookup), include/uapi/linux/bpf.h. */
export const fibLookupBytes = 64;

/** The size of a value of this layout, in bytes. */
export function sizeOf(layout: Layout): number {
  switch (layout.kind) {
    case "integer":
    case "bits":
      return layout.bits / 8;
    case "bool":
      return 1;
    case "bytes":
      return layout.length;
    case "array":
      return layout.length * sizeOf(layout.element);
    case "struct":
    case "union":
      return layout.size;
    case "opaque":
      return layout.what === "spinLock" ? 4 : 16;
  }
}

/** The alignment that the kernel's C would give, in bytes. */
export function alignOf(layout: Layout): number {
  switch (layout.kind) {
    case "integer":
    case "bits":
      return layout.order === "big" ? 1 : layout.bits / 8;
    case "bool":
    case "bytes":
      return 1;
    case "array":
      return alignOf(layout.element);
    case "struct":
    case "union":
      return layout.align;
    case "opaque":
      return layout.what === "spinLock" ? 4 : 8;
  }
}

export function isScalar(layout: Layout): layout is ScalarLayout {
  return layout.kind === "integer" || layout.kind === "bool" || layout.kind === "bits";
}
