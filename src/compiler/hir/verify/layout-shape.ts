import { alignOf, type Field, type Layout, sizeOf } from "../layout.ts";
import {
  boolean,
  describe,
  integer,
  name,
  nameOrNothing,
  oneOf,
  optional,
  type Path,
  type RecordShape,
  record,
  type Shape,
  type ShapeContext,
  type TreeSize,
  under,
} from "./shape.ts";

/** The greatest size of a layout, in bytes: the greatest map value that makes sense. */
export const maxLayoutSize = 2 ** 24;
const maxLayoutDepth = 16;
const maxLayoutNodes = 4096;

type Own<K extends Layout["kind"]> = RecordShape<Extract<Layout, { readonly kind: K }>>;

const unchecked: Shape = { check: () => {} };
const bits = oneOf(8, 16, 32, 64);
const order = oneOf("native", "big");
const size = integer(0, maxLayoutSize);
const align = oneOf(1, 2, 4, 8);

/** The properties of each kind of layout, without the layouts inside of it. */
const own: { readonly [K in Layout["kind"]]: Shape } = {
  integer: record({ kind: unchecked, bits, signed: boolean, order } satisfies Own<"integer">),
  bool: record({ kind: unchecked } satisfies Own<"bool">),
  bits: record({
    kind: unchecked,
    bits,
    order,
    shift: integer(0, 63),
    width: integer(1, 64),
  } satisfies Own<"bits">),
  bytes: record({ kind: unchecked, length: integer(1, maxLayoutSize) } satisfies Own<"bytes">),
  array: record({ kind: unchecked, element: unchecked, length: integer(1, maxLayoutSize) } satisfies Own<"array">),
  struct: record({ kind: unchecked, name: nameOrNothing, size, align, fields: unchecked } satisfies Own<"struct">),
  union: record({ kind: unchecked, name: nameOrNothing, size, align, fields: unchecked } satisfies Own<"union">),
  opaque: record({ kind: unchecked, what: oneOf("spinLock", "timer") } satisfies Own<"opaque">),
};

const fieldShape = record({ name, offset: size, layout: unchecked } satisfies RecordShape<Field>);

/**
 * A layout: shape and sanity. Sizes are bounded; fields lie inside of their struct, aligned and without overlap; the
 * tree is small also where parts of it are shared objects (so that a file cannot make it grow exponentially).
 */
export const layout: Shape = {
  check(value, path, context) {
    measure(value, path, context);
  },
};

/** The size of a sound layout's tree; undefined when it is not sound (and reported). */
function measure(value: unknown, path: Path | undefined, context: ShapeContext, depth = 0): TreeSize | undefined {
  const kind = typeof value === "object" && value !== null ? (value as { kind?: unknown }).kind : undefined;
  if (typeof kind !== "string" || !Object.hasOwn(own, kind)) {
    context.report.add(path, `expected a layout, got ${kind === undefined ? describe(value) : describe(kind)}`);
    return undefined;
  }
  const known = context.known.get(value as object);
  if (known) return known;
  if (depth >= maxLayoutDepth) return refuse(path, context, `layouts nested more than ${maxLayoutDepth} levels deep`);
  const problems = context.report.problems.length;
  own[kind as Layout["kind"]].check(value, path, context);
  if (context.report.problems.length > problems) return undefined;
  const inner = measureInner(value as Layout, path, context, depth);
  if (!inner) return undefined;
  const tree = { depth: inner.depth + 1, nodes: inner.nodes + 1 };
  if (tree.depth > maxLayoutDepth)
    return refuse(path, context, `layouts nested more than ${maxLayoutDepth} levels deep`);
  if (tree.nodes > maxLayoutNodes) return refuse(path, context, `a layout of more than ${maxLayoutNodes} parts`);
  const fault = insane(value as Layout);
  if (fault) return refuse(path, context, fault);
  context.known.set(value as object, tree);
  return tree;
}

function refuse(path: Path | undefined, context: ShapeContext, message: string): undefined {
  context.report.add(path, message);
  return undefined;
}

function measureInner(
  value: Layout,
  path: Path | undefined,
  context: ShapeContext,
  depth: number,
): TreeSize | undefined {
  if (value.kind === "array") return measure(value.element, under(path, "element"), context, depth + 1);
  if (value.kind !== "struct" && value.kind !== "union") return { depth: 0, nodes: 0 };
  const fields = value.fields as unknown;
  if (!Array.isArray(fields)) return refuse(under(path, "fields"), context, `expected a list, got ${describe(fields)}`);
  if (fields.length > maxLayoutNodes) return refuse(path, context, `a layout of more than ${maxLayoutNodes} parts`);
  let total: TreeSize = { depth: 0, nodes: 0 };
  for (let index = 0; index < fields.length; index++) {
    const at = under(under(path, "fields"), index);
    const problems = context.report.problems.length;
    fieldShape.check(fields[index], at, context);
    if (context.report.problems.length > problems) return undefined;
    const one = measure((fields[index] as Field).layout, under(at, "layout"), context, depth + 1);
    if (!one) return undefined;
    total = { depth: Math.max(total.depth, one.depth), nodes: total.nodes + one.nodes };
  }
  return total;
}

/** What is wrong with a layout whose parts are sound. */
function insane(value: Layout): string | undefined {
  switch (value.kind) {
    case "bits":
      return value.shift + value.width > value.bits ? "a bit field that reaches beyond its unit" : undefined;
    case "array":
      if (value.element.kind === "bits") return "an array of bit fields";
      if (sizeOf(value.element) === 0) return "an array of elements without size";
      return sizeOf(value) > maxLayoutSize ? `an array of more than ${maxLayoutSize} bytes` : undefined;
    case "struct":
    case "union":
      return insaneFields(value.size, value.align, value.fields, value.kind === "union");
    default:
      return undefined;
  }
}

function insaneFields(size: number, align: number, fields: readonly Field[], union: boolean): string | undefined {
  if (size % align !== 0) return `size ${size} is not a multiple of alignment ${align}`;
  const names = new Set<string>();
  let end = 0;
  for (const { name, offset, layout } of [...fields].sort((left, right) => left.offset - right.offset)) {
    if (names.has(name)) return `two fields named "${name}"`;
    names.add(name);
    if (offset + sizeOf(layout) > size) return `field "${name}" reaches beyond the end`;
    if (alignOf(layout) > align || offset % alignOf(layout) !== 0) return `field "${name}" is not aligned`;
    if (union ? offset !== 0 : offset < end && layout.kind !== "bits") return `field "${name}" overlaps another`;
    end = Math.max(end, offset + (layout.kind === "bits" ? 0 : sizeOf(layout)));
  }
  return undefined;
}

export const optionalLayout = optional(layout);
