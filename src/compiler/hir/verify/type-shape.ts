import type { RefType, ScalarType, Type } from "../types.ts";
import { layout } from "./layout-shape.ts";
import { describe, oneOf, type Path, type RecordShape, record, type Shape, type ShapeContext } from "./shape.ts";

const unchecked: Shape = { check: () => {} };
const scalarKinds: readonly ScalarType["kind"][] = ["number", "u64", "i64", "bool", "verdict"];
const plain = record<{ kind: string }>({ kind: unchecked });
const region = oneOf("packet", "map", "local", "record", "context", "kernel", "constant");

const reference = record({ kind: unchecked, region, layout } satisfies RecordShape<RefType>);

function typeShape(expected: string, allows: (kind: string) => boolean, of: () => Shape): Shape {
  const optional = record<{ kind: string; of: Type }>({
    kind: unchecked,
    of: { check: (value, path, context) => of().check(value, path, context) },
  });
  return {
    check(value: unknown, path: Path | undefined, context: ShapeContext) {
      const kind = typeof value === "object" && value !== null ? (value as { kind?: unknown }).kind : undefined;
      if (typeof kind !== "string" || !allows(kind))
        return context.report.add(
          path,
          `expected ${expected}, got ${kind === undefined ? describe(value) : describe(kind)}`,
        );
      if (context.known.has(value as object)) return;
      const problems = context.report.problems.length;
      (kind === "ref" ? reference : kind === "optional" ? optional : plain).check(value, path, context);
      // Types are not layouts: their tree is one level above a layout's, which has its own limit.
      if (context.report.problems.length === problems) context.known.set(value as object, { depth: 1, nodes: 1 });
    },
  };
}

const isScalar = (kind: string) => (scalarKinds as readonly string[]).includes(kind);

const inner = typeShape(
  "a scalar or reference type",
  (kind) => isScalar(kind) || kind === "ref",
  () => inner,
);

export const type = typeShape(
  "a type",
  (kind) => isScalar(kind) || kind === "ref" || kind === "optional" || kind === "void",
  () => inner,
);
export const scalarType = typeShape("a scalar type", isScalar, () => inner);
export const refType = typeShape(
  "a reference type",
  (kind) => kind === "ref",
  () => inner,
);
