import type { Context } from "./context.ts";
import { fits } from "./integers.ts";
import { integers, type Layout } from "./layouts.ts";
import { numberExpression } from "./numbers.ts";

/** An offset into the packet: mostly near its start, as headers are. */
export function offsetText(c: Context, depth: number): string {
  if (c.random.chance(0.5)) {
    c.coverage.hit("offset: constant");
    return String(c.random.pick([0, 0, 6, 12, 14, 14, 23, 26, 30, 34, 36, 38, 54, c.random.below(100)]));
  }
  const value = numberExpression(c, depth);
  if (fits(value, { low: 0n, high: 0x3fffn }) || (value.low >= 0n && value.high < 1n << 32n && c.random.chance(0.1))) {
    c.coverage.hit("offset: variable");
    return value.text;
  }
  const mask = c.random.pick([7, 15, 63, 255, 1023]);
  c.coverage.hit("offset: masked");
  return `(${value.text} & ${mask})${c.random.chance(0.5) ? ` + ${c.random.below(60)}` : ""}`;
}

/** A layout for `packet.at`. */
export function viewableLayout(c: Context): Layout {
  const structs = c.declarations.structs.filter(({ fields }) => fields.every(({ layout }) => layout.kind !== "lock"));
  if (structs.length > 0 && c.random.chance(0.6)) return c.random.pick(structs);
  return c.random.pick([...Object.values(integers), { kind: "bool" as const }]);
}
