import { condition, plainCondition } from "./conditions.ts";
import type { Context } from "./context.ts";
import {
  add,
  assignable,
  bitwise,
  fits,
  limits,
  multiply,
  type Narrow,
  type NumberExpression,
  narrowNames,
  type Range,
  related,
  remainder,
  staysExact,
  subtract,
  union,
} from "./integers.ts";
import { numberSource } from "./number-sources.ts";
import { wideExpression } from "./wide.ts";

type Production = (c: Context, depth: number) => NumberExpression | undefined;

const composed: readonly (readonly [weight: number, make: Production])[] = [
  [10, arithmetic],
  [6, bits],
  [3, shift],
  [3, division],
  [3, modulo],
  [2, unary],
  [5, conversion],
  [3, conditional],
  [3, extreme],
];

/** An expression of type `number`, with what is known of its value. */
export function numberExpression(c: Context, depth: number): NumberExpression {
  if (depth > 0 && c.random.chance(0.75)) {
    const made = c.random.weighted(composed)(c, depth - 1);
    if (made) return made;
  }
  return numberSource(c, depth) ?? literal(c);
}

/** A number literal, often a boundary. */
export function literal(c: Context, range: Range = limits.u32): NumberExpression {
  const span = range.high - range.low + 1n;
  const offset = c.random.interesting(Math.max(1, (span - 1n).toString(2).length)) % span;
  const chosen = c.random.chance(0.5) ? range.low + offset : range.high - offset;
  // Beyond 2^53 a literal is not exact.
  const value = BigInt.asIntN(53, chosen) === chosen ? chosen : range.low > 0n ? 0n : 7n;
  c.coverage.hit("number literal");
  const hex = value >= 0n && c.random.chance(0.3);
  const text = hex ? `0x${value.toString(16)}` : value < 0n ? `(${value})` : String(value);
  return { text, low: value, high: value, brands: [], literal: true };
}

function computed(text: string, range: Range): NumberExpression {
  return { text, low: range.low, high: range.high, brands: [], literal: false };
}

function arithmetic(c: Context, depth: number): NumberExpression | undefined {
  const left = numberExpression(c, depth);
  const right = numberExpression(c, depth);
  const [operator, operation] = c.random.pick([
    ["+", add],
    ["-", subtract],
    ["*", multiply],
  ] as const);
  const range = operation(left, right);
  if (!staysExact(range)) return undefined;
  c.coverage.hit(`number ${operator}`);
  return computed(`(${left.text} ${operator} ${right.text})`, range);
}

function bits(c: Context, depth: number): NumberExpression {
  const operator = c.random.pick(["&", "|", "^"] as const);
  const left = numberExpression(c, depth);
  const right = c.random.chance(0.4) ? literal(c) : numberExpression(c, depth);
  c.coverage.hit(`number ${operator}`);
  return computed(`(${left.text} ${operator} ${right.text})`, bitwise(operator, left, right));
}

function shift(c: Context, depth: number): NumberExpression {
  const operator = c.random.pick(["<<", ">>", ">>>"] as const);
  const left = numberExpression(c, depth);
  const variable = numberExpression(c, depth).text;
  // tsc reads `a << (f<T>(...))` and `a << (b(c > d))` as type arguments.
  const fixed = c.random.chance(0.5) || /[<>]/.test(variable);
  const count = c.random.below(32);
  const by = fixed ? String(count) : `(${variable} & 31)`;
  c.coverage.hit(`number ${operator}`, fixed ? "shift by a constant" : "shift by a variable");
  const text = `(${left.text} ${operator} ${by})`;
  if (operator === "<<") return computed(text, limits.u32);
  if (operator === ">>>")
    return computed(text, fixed ? { low: 0n, high: limits.u32.high >> BigInt(count) } : limits.u32);
  if (fixed) return computed(text, { low: left.low >> BigInt(count), high: left.high >> BigInt(count) });
  return computed(text, union(left, { low: left.low >> 31n, high: left.high >> 31n }));
}

/** `/` is allowed where a conversion says that the fraction goes. */
function division(c: Context, depth: number): NumberExpression {
  const left = numberExpression(c, depth);
  const right = numberExpression(c, depth);
  const to = c.random.pick(narrowNames);
  c.coverage.hit("number /");
  return { ...computed(`${to}(${left.text} / ${right.text})`, limits[to]), brands: [to] };
}

function modulo(c: Context, depth: number): NumberExpression {
  const left = numberExpression(c, depth);
  const right = numberExpression(c, depth);
  c.coverage.hit("number %");
  return computed(`(${left.text} % ${right.text})`, remainder(left, right));
}

function unary(c: Context, depth: number): NumberExpression | undefined {
  const value = numberExpression(c, depth);
  const operator = c.random.pick(["-", "~", "+"] as const);
  if (operator === "+" || value.text.startsWith("-")) return undefined;
  c.coverage.hit(`number unary ${operator}`);
  if (operator === "~") return computed(`(~${value.text})`, limits.u32);
  return { ...computed(`(-${value.text})`, { low: -value.high, high: -value.low }), literal: value.literal };
}

function conversion(c: Context, depth: number): NumberExpression {
  const to = c.random.pick(narrowNames);
  const from = c.random.weighted([
    [6, "number"],
    [3, "wide"],
    [1, "bool"],
  ] as const);
  c.coverage.hit(`${to}() of a ${from}`);
  const inner = from === "number" ? numberExpression(c, depth) : undefined;
  const text =
    inner?.text ??
    (from === "wide" ? wideExpression(c, c.random.pick(["u64", "i64"]), depth).text : plainCondition(c, depth));
  const range = inner && fits(inner, limits[to]) ? inner : from === "bool" ? { low: 0n, high: 1n } : limits[to];
  return { text: `${to}(${text})`, low: range.low, high: range.high, brands: [to], literal: false };
}

function conditional(c: Context, depth: number): NumberExpression {
  const test = condition(c, depth);
  const left = numberExpression(c, depth);
  const right = numberExpression(c, depth);
  c.coverage.hit("?: of numbers");
  return {
    text: `(${test} ? ${left.text} : ${right.text})`,
    ...union(left, right),
    brands: [...left.brands, ...right.brands],
    literal: left.literal || right.literal,
  };
}

function extreme(c: Context, depth: number): NumberExpression | undefined {
  const left = numberExpression(c, depth);
  const right = numberExpression(c, depth);
  if (!related(left, right) || left.literal || right.literal) return undefined;
  const name = c.random.pick(["min", "max"] as const);
  c.coverage.hit(name);
  const least = name === "min";
  const pick = (a: bigint, b: bigint): bigint => (least === a < b ? a : b);
  return {
    text: `${name}(${left.text}, ${right.text})`,
    low: pick(left.low, right.low),
    high: pick(left.high, right.high),
    brands: [...left.brands, ...right.brands],
    literal: false,
  };
}

/** An expression that may go where the type is declared, converted where need be. */
export function numberFor(c: Context, target: Narrow, depth: number, within: Range = limits[target]): string {
  const value = c.random.chance(0.15) ? literal(c, within) : numberExpression(c, depth);
  const narrower = !fits(limits[target], within);
  if (assignable(value, target) && fits(value, within)) return value.text;
  if (!narrower) return `${target}(${value.text})`;
  if (within.low === 0n && (within.high & (within.high + 1n)) === 0n) return `(${value.text} & ${within.high})`;
  return literal(c, within).text;
}
