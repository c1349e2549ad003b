import type { Field, Layout } from "./layout.ts";
import type { Type } from "./types.ts";

/**
 * Whether two layouts are the same type: same shape and, for structs and unions, the same declaration (name and
 * fields). Shared objects compare in one step.
 */
export function sameLayout(left: Layout, right: Layout): boolean {
  if (left === right) return true;
  switch (left.kind) {
    case "integer":
      return (
        right.kind === "integer" &&
        left.bits === right.bits &&
        left.signed === right.signed &&
        // One byte has no order.
        (left.order === right.order || left.bits === 8)
      );
    case "bool":
      return right.kind === "bool";
    case "bits":
      return (
        right.kind === "bits" &&
        left.bits === right.bits &&
        left.order === right.order &&
        left.shift === right.shift &&
        left.width === right.width
      );
    case "bytes":
      return right.kind === "bytes" && left.length === right.length;
    case "array":
      return right.kind === "array" && left.length === right.length && sameLayout(left.element, right.element);
    case "struct":
    case "union":
      return (
        right.kind === left.kind &&
        left.name === right.name &&
        left.size === right.size &&
        left.align === right.align &&
        sameFields(left.fields, right.fields)
      );
    case "opaque":
      return right.kind === "opaque" && left.what === right.what;
  }
}

function sameFields(left: readonly Field[], right: readonly Field[]): boolean {
  return (
    left.length === right.length &&
    left.every((field, index) => {
      const other = right[index]!;
      return field.name === other.name && field.offset === other.offset && sameLayout(field.layout, other.layout);
    })
  );
}

/** Whether a value of one type may stand where the other is wanted: HIR has no implicit conversion. */
export function sameType(left: Type, right: Type): boolean {
  if (left === right) return true;
  if (left.kind === "ref")
    return right.kind === "ref" && left.region === right.region && sameLayout(left.layout, right.layout);
  if (left.kind === "optional") return right.kind === "optional" && sameType(left.of, right.of);
  return left.kind === right.kind;
}

/** Whether a spin lock or a timer lies anywhere inside of a value of this layout. */
export function holdsOpaque(layout: Layout): boolean {
  switch (layout.kind) {
    case "opaque":
      return true;
    case "array":
      return holdsOpaque(layout.element);
    case "struct":
    case "union":
      return layout.fields.some((field) => holdsOpaque(field.layout));
    default:
      return false;
  }
}
