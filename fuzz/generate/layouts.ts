import type { Narrow, Wide } from "./integers.ts";

/** Layouts as the generator declares them in source text. */
export type Layout =
  | IntegerLayout
  | BoolLayout
  | EnumLayout
  | BitsLayout
  | BytesLayout
  | ArrayLayout
  | StructLayout
  | LockLayout;

export interface IntegerLayout {
  readonly kind: "integer";
  /** As in the source: "be16", "i32". */
  readonly name: string;
  /** What it reads as. */
  readonly reads: Narrow | Wide;
  readonly size: number;
  readonly align: number;
}

export interface BoolLayout {
  readonly kind: "bool";
}

export interface EnumLayout {
  readonly kind: "enum";
  readonly name: string;
  readonly scalar: IntegerLayout;
  readonly members: readonly string[];
}

export interface BitsLayout {
  readonly kind: "bits";
  readonly unit: IntegerLayout;
  readonly width: number;
}

export interface BytesLayout {
  readonly kind: "bytes";
  /** Of its declaration, where it has one. */
  readonly name?: string;
  readonly length: number;
}

export interface ArrayLayout {
  readonly kind: "array";
  readonly name?: string;
  readonly element: Layout;
  readonly length: number;
}

export interface StructLayout {
  readonly kind: "struct" | "union";
  readonly name: string;
  readonly fields: readonly Field[];
}

export interface LockLayout {
  readonly kind: "lock";
}

export interface Field {
  readonly name: string;
  readonly layout: Layout;
}

function integer(name: string, reads: Narrow | Wide, size: number, align = size): IntegerLayout {
  return { kind: "integer", name, reads, size, align };
}

export const integers = {
  u8: integer("u8", "u8", 1),
  u16: integer("u16", "u16", 2),
  u32: integer("u32", "u32", 4),
  u64: integer("u64", "u64", 8),
  i8: integer("i8", "i8", 1),
  i16: integer("i16", "i16", 2),
  i32: integer("i32", "i32", 4),
  i64: integer("i64", "i64", 8),
  be16: integer("be16", "u16", 2, 1),
  be32: integer("be32", "u32", 4, 1),
  be64: integer("be64", "u64", 8, 1),
} as const;

export const boolLayout: BoolLayout = { kind: "bool" };
export const lockLayout: LockLayout = { kind: "lock" };

export function isScalar(layout: Layout): boolean {
  return layout.kind === "integer" || layout.kind === "bool" || layout.kind === "enum" || layout.kind === "bits";
}

export function sizeOf(layout: Layout): number {
  switch (layout.kind) {
    case "integer":
      return layout.size;
    case "bool":
      return 1;
    case "enum":
      return layout.scalar.size;
    case "bits":
      return layout.unit.size;
    case "bytes":
      return layout.length;
    case "array":
      return layout.length * sizeOf(layout.element);
    case "lock":
      return 4;
    case "struct":
    case "union":
      return sizeOfFields(layout);
  }
}

export function alignOf(layout: Layout): number {
  switch (layout.kind) {
    case "integer":
      return layout.align;
    case "enum":
      return layout.scalar.align;
    case "bits":
      return layout.unit.align;
    case "array":
      return alignOf(layout.element);
    case "lock":
      return 4;
    case "struct":
    case "union":
      return Math.max(1, ...layout.fields.map((field) => alignOf(field.layout)));
    case "bool":
    case "bytes":
      return 1;
  }
}

/** Bit fields that follow each other share a unit as long as they fit. */
function sizeOfFields(layout: StructLayout): number {
  const align = alignOf(layout);
  if (layout.kind === "union")
    return roundUp(Math.max(0, ...layout.fields.map((field) => sizeOf(field.layout))), align);
  let size = 0;
  let bitsLeft = 0;
  for (const { layout: field } of layout.fields) {
    if (field.kind === "bits" && bitsLeft >= field.width) {
      bitsLeft -= field.width;
      continue;
    }
    size = roundUp(size, alignOf(field)) + sizeOf(field);
    bitsLeft = field.kind === "bits" ? field.unit.size * 8 - field.width : 0;
  }
  return roundUp(size, align);
}

function roundUp(value: number, to: number): number {
  return Math.ceil(value / to) * to;
}

/** How the layout is written where a declaration needs it. */
export function layoutText(layout: Layout): string {
  switch (layout.kind) {
    case "integer":
    case "enum":
    case "struct":
    case "union":
      return layout.name;
    case "bool":
      return "bool";
    case "bits":
      return `bits(${layout.unit.name}, ${layout.width})`;
    case "bytes":
      return layout.name ?? `bytes(${layout.length})`;
    case "array":
      return layout.name ?? `array(${layoutText(layout.element)}, ${layout.length})`;
    case "lock":
      return "spinLock";
  }
}

/** Whether every byte of a value belongs to a field. */
export function isPacked(layout: Layout): boolean {
  switch (layout.kind) {
    case "array":
      return isPacked(layout.element);
    case "struct":
    case "union": {
      const sizes = layout.fields.map((field) => sizeOf(field.layout));
      const exact = layout.kind === "union" ? sizes.every((size) => size === sizeOf(layout)) : isDense(layout);
      return exact && layout.fields.every((field) => isPacked(field.layout));
    }
    default:
      return true;
  }
}

/** Bit fields are generated so that they fill their units. */
function isDense(layout: StructLayout): boolean {
  const bits = layout.fields.reduce(
    (sum, { layout: field }) => sum + (field.kind === "bits" ? field.width : sizeOf(field) * 8),
    0,
  );
  return bits === sizeOf(layout) * 8;
}

/** Whether a value of the layout holds a spin lock, so that it cannot be copied or written whole. */
export function hasLock(layout: Layout): boolean {
  return (
    layout.kind === "lock" ||
    ((layout.kind === "struct" || layout.kind === "union") && layout.fields.some((field) => hasLock(field.layout)))
  );
}
