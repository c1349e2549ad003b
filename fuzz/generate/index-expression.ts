import type { Context } from "./context.ts";
import { numberExpression } from "./numbers.ts";

/** An index that is provably from 0 to `length - 1`. */
export function indexBelow(c: Context, length: number, depth: number): string {
  if (depth <= 0 || c.random.chance(0.4)) return String(c.random.below(length));
  const variable = c
    .variables("number")
    .filter(({ mutable, range }) => !mutable && range.low >= 0n && range.high < BigInt(length))
    .at(-1);
  if (variable && c.random.chance(0.6)) {
    c.coverage.hit("index: variable");
    return variable.name;
  }
  const value = numberExpression(c, depth - 1);
  if ((length & (length - 1)) === 0) {
    c.coverage.hit("index: mask");
    return `${value.text} & ${length - 1}`;
  }
  if (value.low >= 0n) {
    c.coverage.hit("index: remainder");
    return `${value.text} % ${length}`;
  }
  c.coverage.hit("index: min");
  return `min(u32(${value.text}), ${length - 1})`;
}
