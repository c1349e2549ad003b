import { condition } from "./conditions.ts";
import type { Context, NumberVariable } from "./context.ts";
import { wideVariable } from "./definitions.ts";
import { fits, limits, type Narrow, type Range } from "./integers.ts";
import type { Layout } from "./layouts.ts";
import { numberFor } from "./numbers.ts";
import { someLeaf } from "./references.ts";
import { scalarFor } from "./values.ts";
import { typedWide, wideExpression } from "./wide.ts";

/** Assigns a variable. Inside of a lock the variables around it are left alone. */
export function assignStatement(c: Context): boolean {
  if (c.place.locked) return false;
  const kind = c.random.pick(["number", "wide", "wide", "wide", "bool"] as const);
  if (kind === "bool") {
    const found = c.variables("bool").filter(({ mutable }) => mutable);
    if (found.length === 0) return false;
    c.coverage.hit("assign bool");
    c.line(`${c.random.pick(found).name} = ${condition(c, 2)};`);
    return true;
  }
  if (kind === "wide") {
    const wanted = c.random.pick(["u64", "i64"] as const);
    const found = c.variables("wide").filter(({ mutable, type }) => mutable && type === wanted);
    const name = found.length === 0 ? wideVariable(c, "let", wanted) : c.random.pick(found).name;
    c.line(wideAssignment(c, name, wanted));
    return true;
  }
  const found = c.variables("number").filter(({ mutable }) => mutable);
  if (found.length === 0) return false;
  const { name, brand } = c.random.pick(found) satisfies NumberVariable;
  if (brand) c.line(numberAssignment(c, name, brand, limits[brand]));
  return brand !== undefined;
}

function wideAssignment(c: Context, target: string, type: "u64" | "i64"): string {
  const operator = c.random.pick([
    "=",
    "+=",
    "-=",
    "*=",
    "/=",
    "%=",
    "&=",
    "|=",
    "^=",
    "<<=",
    ">>=",
    "++",
    "--",
  ] as const);
  c.coverage.hit(`${type} ${operator}`);
  if (operator === "++" || operator === "--") return `${target}${operator};`;
  if (operator === "<<=" || operator === ">>=") return `${target} ${operator} ${c.random.below(64)}n;`;
  if (operator === "=") return `${target} = ${typedWide(c, type, 3)};`;
  return `${target} ${operator} ${wideExpression(c, type, 2).text};`;
}

/** Compound assignments only where the result provably fits. */
function numberAssignment(c: Context, target: string, type: Narrow, range: Range): string {
  const operator = c.random.pick(["=", "=", "&=", "|=", "^=", ">>=", "%=", ">>>="] as const);
  const unsigned = range.low >= 0n;
  if (operator === "=" || !unsigned) {
    c.coverage.hit("number =");
    return `${target} = ${numberFor(c, type, 3, range)};`;
  }
  c.coverage.hit(`number ${operator}`);
  switch (operator) {
    case "&=":
    case "|=":
    case "^=":
      return `${target} ${operator} ${numberFor(c, type, 2, range)};`;
    case ">>=":
    case ">>>=":
      return `${target} ${operator} ${c.random.below(32)};`;
    case "%=":
      return `${target} %= ${numberFor(c, type, 2, range)};`;
  }
}

/** Writes a scalar in the packet, a map or a local struct. */
export function storeStatement(c: Context): boolean {
  const leaf = someLeaf(c, () => true, 2);
  if (!leaf) return false;
  const { layout, text, region } = leaf;
  c.coverage.hit(`write ${region}`);
  if (c.random.chance(0.4)) {
    const compound = compoundStore(c, text, layout);
    if (compound !== undefined) {
      c.coverage.hit("compound store");
      c.line(compound);
      return true;
    }
  }
  c.line(`${text} = ${scalarFor(c, layout, 3)};`);
  return true;
}

function compoundStore(c: Context, text: string, layout: Layout): string | undefined {
  if (layout.kind === "bits" && layout.unit.reads !== "u64" && layout.unit.reads !== "i64") {
    const range = { low: 0n, high: (1n << BigInt(layout.width)) - 1n };
    return fits(range, limits[layout.unit.reads]) ? numberAssignment(c, text, layout.unit.reads, range) : undefined;
  }
  if (layout.kind !== "integer") return undefined;
  if (layout.reads === "u64" || layout.reads === "i64") return wideAssignment(c, text, layout.reads);
  return numberAssignment(c, text, layout.reads, limits[layout.reads]);
}
