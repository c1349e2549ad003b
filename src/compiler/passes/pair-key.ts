import type { Value } from "../ir/ir.ts";

const mostValues = 2 ** 22;

/**
 * A key for an operation (0..511) on two values, below zero: numbers are hashed and compared faster than text, of which
 * a compile made some thousands. Functions with more values than fit get text.
 */
export function pairKey(operation: number, left: Value, right: Value): number | string {
  if (left >= mostValues || right >= mostValues) return `${operation} ${left} ${right}`;
  return -1 - ((operation * mostValues + left) * mostValues + right);
}
