import { atomicFetch } from "./atomics.ts";
import { callOf } from "./calls.ts";
import type { Context } from "./context.ts";
import { limits, type Wide, type WideExpression } from "./integers.ts";
import { typedLeafAbsent } from "./optional-expressions.ts";
import { someLeaf } from "./references.ts";
import { wideLiteral } from "./wide.ts";

/** A u64 or i64 that exists already: a variable, a field, a setting, the result of an operation. */
export function wideSource(c: Context, type: Wide, depth: number): WideExpression | undefined {
  const make = c.random.weighted<(c: Context, type: Wide, depth: number) => WideExpression | undefined>([
    [6, variable],
    [6, field],
    [2, setting],
    [2, constant],
    [2, (context, wide, left) => atomicFetch(context, wide, left)],
    [3, (context, wide, left) => callOf(context, wide, left)],
    [3, (context, wide, left) => typedLeafAbsent(context, wide, left)],
    [1, clock],
    [3, wideLiteral],
  ]);
  return make(c, type, depth);
}

function variable(c: Context, type: Wide): WideExpression | undefined {
  const found = c.variables("wide").filter((one) => one.type === type);
  if (found.length === 0) return undefined;
  c.coverage.hit(`${type} variable`);
  return { text: c.random.pick(found).name, literal: false };
}

function field(c: Context, type: Wide, depth: number): WideExpression | undefined {
  const leaf = someLeaf(c, ({ layout }) => layout.kind === "integer" && layout.reads === type, depth);
  if (!leaf) return undefined;
  c.coverage.hit(`load ${leaf.layout.kind === "integer" ? leaf.layout.name : type}`, `read ${leaf.region}`);
  return { text: leaf.text, literal: false };
}

function setting(c: Context, type: Wide): WideExpression | undefined {
  const found = c.declarations.settings.filter((one) => one.kind === "wide" && one.type === type);
  if (found.length === 0) return undefined;
  c.coverage.hit(`setting ${type}`);
  return { text: c.random.pick(found).path, literal: false };
}

function constant(c: Context, type: Wide): WideExpression | undefined {
  const found = c.declarations.constants.filter((one) => one.wide && one.value <= limits[type].high);
  if (found.length === 0) return undefined;
  c.coverage.hit("constant object: bigint");
  return { text: c.random.pick(found).path, literal: true };
}

/** Differs from run to run, so it must not show: only its absence of effect is tested. */
function clock(c: Context, type: Wide): WideExpression | undefined {
  if (c.place.locked || type !== "u64") return undefined;
  const clocks = ["time.now()", "time.jiffies()", ...(c.tracing ? [] : ["time.coarse()"])];
  const call = c.random.pick(clocks);
  c.coverage.hit(call);
  return { text: `(${call} & 0n)`, literal: false };
}
