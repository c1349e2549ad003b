import type { Context, ReferenceVariable } from "./context.ts";
import { type Aggregate, isAggregate } from "./declarations.ts";
import { indexBelow } from "./index-expression.ts";
import { isScalar, type Layout, type StructLayout } from "./layouts.ts";

/** A scalar in memory that an expression can read or a statement can write. */
export interface Leaf {
  readonly text: string;
  readonly layout: Layout;
  readonly region: ReferenceVariable["region"];
  /** For atomics: the struct (or scalar reference) that it is a field of, and its name there. */
  readonly owner: string;
  readonly field: string;
}

export interface Part {
  readonly text: string;
  readonly layout: Aggregate;
  readonly region: ReferenceVariable["region"];
}

/** Some scalar that matches, below a reference in scope. */
export function someLeaf(c: Context, wanted: (leaf: Leaf) => boolean, depth = 1): Leaf | undefined {
  const references = c.variables("ref");
  if (references.length === 0) return undefined;
  for (let attempt = 0; attempt < 6; attempt++) {
    const leaf = descend(c, c.random.pick(references), depth);
    if (leaf && wanted(leaf)) return leaf;
  }
  return undefined;
}

function descend(c: Context, { name, layout, region }: ReferenceVariable, depth: number): Leaf | undefined {
  if (isScalar(layout)) return { text: `${name}.value`, layout, region, owner: name, field: "value" };
  let text = name;
  let owner = name;
  let field = "";
  let at = layout;
  while (!isScalar(at)) {
    const step = stepInto(c, at, depth);
    if (!step) return undefined;
    owner = text;
    field = step.field;
    text += step.text;
    at = step.layout;
  }
  return { text, layout: at, region, owner, field };
}

interface Step {
  readonly text: string;
  readonly field: string;
  readonly layout: Layout;
}

function stepInto(c: Context, at: Layout, depth: number): Step | undefined {
  switch (at.kind) {
    case "struct":
    case "union": {
      const field = c.random.pick(at.fields);
      if (field.layout.kind === "lock") return undefined;
      if (at.kind === "union") c.coverage.hit("union field");
      return { text: `.${field.name}`, field: field.name, layout: field.layout };
    }
    case "bytes":
    case "array": {
      const element: Layout =
        at.kind === "array" ? at.element : { kind: "integer", name: "u8", reads: "u8", size: 1, align: 1 };
      c.coverage.hit(at.kind === "array" ? "array element" : "byte of bytes");
      return { text: `[${indexBelow(c, at.length, depth)}]`, field: "", layout: element };
    }
    default:
      return undefined;
  }
}

/** Some aggregate that matches, at or below a reference in scope. */
export function somePart(c: Context, wanted: (part: Part) => boolean): Part | undefined {
  const fitting = allParts(c).filter(wanted);
  return fitting.length > 0 ? c.random.pick(fitting) : undefined;
}

/** All aggregates at or below the references in scope. */
export function allParts(c: Context): readonly Part[] {
  return c.variables("ref").flatMap((reference) => partsOf(reference.name, reference.layout, reference.region));
}

function partsOf(text: string, layout: Layout, region: Part["region"]): readonly Part[] {
  if (!isAggregate(layout)) return [];
  const inner = layout.kind === "struct" || layout.kind === "union" ? fieldsOf(text, layout, region) : [];
  return [{ text, layout, region }, ...inner];
}

function fieldsOf(text: string, layout: StructLayout, region: Part["region"]): readonly Part[] {
  return layout.fields.flatMap((field) => partsOf(`${text}.${field.name}`, field.layout, region));
}

export function sameLayout(a: Layout, b: Layout): boolean {
  if (a.kind !== b.kind) return false;
  if (a.kind === "bytes") return a.length === (b as typeof a).length;
  if (a.kind === "array") return a.length === (b as typeof a).length && sameLayout(a.element, (b as typeof a).element);
  if (a.kind === "integer") return a.name === (b as typeof a).name;
  if (a.kind === "bits") return false;
  return a === b;
}
