import { condition, plainCondition } from "./conditions.ts";
import type { Context } from "./context.ts";
import { limits, type Wide, type WideExpression } from "./integers.ts";
import { numberExpression } from "./numbers.ts";
import { wideSource } from "./wide-sources.ts";

/** An expression of type u64 or i64: both wrap. */
export function wideExpression(c: Context, type: Wide, depth: number): WideExpression {
  if (depth > 0 && c.random.chance(0.75)) return composedWide(c, type, depth - 1);
  return wideSource(c, type, depth) ?? wideLiteral(c, type);
}

export function wideLiteral(c: Context, type: Wide): WideExpression {
  const bits = c.random.interesting(64);
  const value = type === "u64" ? bits : BigInt.asIntN(64, bits);
  c.coverage.hit(`${type} literal`);
  // The least i64 cannot be written as a negated literal that fits.
  const text = value < 0n ? (value === limits.i64.low ? "0n" : `(${value}n)`) : `${value}n`;
  return { text, literal: true };
}

/** Not a literal, so that tsc and the compiler see its type. */
export function typedWide(c: Context, type: Wide, depth: number): string {
  const value = wideExpression(c, type, depth);
  return value.literal ? `${type}(${numberExpression(c, 0).text})` : value.text;
}

function composedWide(c: Context, type: Wide, depth: number): WideExpression {
  const make = c.random.weighted<(c: Context, type: Wide, depth: number) => WideExpression>([
    [10, binary],
    [4, shift],
    [1, negated],
    [5, converted],
    [3, chosen],
    [3, extreme],
  ]);
  return make(c, type, depth);
}

function computed(text: string): WideExpression {
  return { text, literal: false };
}

/** One side has a visible type: two literals have none. */
function binary(c: Context, type: Wide, depth: number): WideExpression {
  const operator = c.random.pick(["+", "-", "*", "/", "%", "&", "|", "^"] as const);
  const left = typedWide(c, type, depth);
  const right = wideExpression(c, type, depth).text;
  c.coverage.hit(`${type} ${operator}`);
  return computed(c.random.chance(0.5) ? `(${left} ${operator} ${right})` : `(${right} ${operator} ${left})`);
}

function shift(c: Context, type: Wide, depth: number): WideExpression {
  const operator = c.random.pick(["<<", ">>"] as const);
  const variable = typedWide(c, type, depth);
  // tsc reads `a << (f<T>(...))` and `a << (b(c > d))` as type arguments.
  const fixed = c.random.chance(0.5) || /[<>]/.test(variable);
  const by = fixed ? `${c.random.below(64)}n` : `(${variable} & 63n)`;
  c.coverage.hit(`${type} ${operator}`);
  return computed(`(${typedWide(c, type, depth)} ${operator} ${by})`);
}

function negated(c: Context, type: Wide, depth: number): WideExpression {
  const operator = c.random.pick(type === "i64" ? (["-", "~"] as const) : (["~"] as const));
  c.coverage.hit(`${type} unary ${operator}`);
  return computed(`(${operator}${typedWide(c, type, depth)})`);
}

function converted(c: Context, type: Wide, depth: number): WideExpression {
  const from = c.random.weighted([
    [6, "number"],
    [3, "wide"],
    [1, "bool"],
  ] as const);
  c.coverage.hit(`${type}() of a ${from}`);
  if (from === "number") return computed(`${type}(${numberExpression(c, depth).text})`);
  if (from === "bool") return computed(`${type}(${plainCondition(c, depth)})`);
  return computed(`${type}(${typedWide(c, type === "u64" ? "i64" : "u64", depth)})`);
}

function chosen(c: Context, type: Wide, depth: number): WideExpression {
  c.coverage.hit(`?: of ${type}`);
  const test = condition(c, depth);
  return computed(`(${test} ? ${typedWide(c, type, depth)} : ${typedWide(c, type, depth)})`);
}

function extreme(c: Context, type: Wide, depth: number): WideExpression {
  const name = c.random.pick(["min", "max"] as const);
  c.coverage.hit(`${name} of ${type}`);
  return computed(`${name}(${typedWide(c, type, depth)}, ${typedWide(c, type, depth)})`);
}
