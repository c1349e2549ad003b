import type { Context } from "./context.ts";
import { limits, type Narrow, type NumberExpression, type Wide, type WideExpression } from "./integers.ts";
import { numberFor } from "./numbers.ts";
import { type Leaf, someLeaf } from "./references.ts";
import { typedWide } from "./wide.ts";

const fetching = [
  "atomicFetchAdd",
  "atomicFetchAnd",
  "atomicFetchOr",
  "atomicFetchXor",
  "atomicExchange",
  "atomicCompareExchange",
] as const;

type AtomicType = Wide | "u32" | "i32";

function isAtomic(leaf: Leaf, type: AtomicType): boolean {
  const { layout, region, field } = leaf;
  return region === "map" && field !== "" && layout.kind === "integer" && layout.name === type;
}

function operand(c: Context, type: AtomicType, depth: number): string {
  return type === "u32" || type === "i32" ? numberFor(c, type, depth) : typedWide(c, type, depth);
}

function fetch(c: Context, type: AtomicType, depth: number): string | undefined {
  if (c.place.locked) return undefined;
  const leaf = someLeaf(c, (one) => isAtomic(one, type), depth);
  if (!leaf) return undefined;
  const name = c.random.pick(fetching);
  c.coverage.hit(name, `atomic ${type}`);
  const count = name === "atomicCompareExchange" ? 2 : 1;
  const operands = Array.from({ length: count }, () => operand(c, type, depth - 1));
  return `${name}(${[leaf.owner, `"${leaf.field}"`, ...operands].join(", ")})`;
}

/** An atomic operation that gives the old value of a field of 64 bits. */
export function atomicFetch(c: Context, type: Wide, depth: number): WideExpression | undefined {
  const text = fetch(c, type, depth);
  return text === undefined ? undefined : { text, literal: false };
}

/** The same on a field of 32 bits. */
export function atomicFetchNumber(c: Context, depth: number): NumberExpression | undefined {
  const type: Narrow & AtomicType = c.random.pick(["u32", "i32"]);
  const text = fetch(c, type, depth);
  return text === undefined ? undefined : { text, ...limits[type], brands: [type], literal: false };
}

/** `atomicAdd`, a statement. */
export function atomicAddStatement(c: Context): boolean {
  if (c.place.locked) return false;
  const type: AtomicType = c.random.pick(["u64", "u64", "i64", "u32", "i32"]);
  const leaf = someLeaf(c, (one) => isAtomic(one, type));
  if (!leaf) return false;
  c.coverage.hit("atomicAdd", `atomic ${type}`);
  c.line(`atomicAdd(${leaf.owner}, "${leaf.field}", ${operand(c, type, 2)});`);
  return true;
}
