import type { Expression } from "../hir/tree.ts";
import type { Checker } from "./checker.ts";
import { factKey } from "./facts.ts";
import { contains, fullInterval, type Interval, interval, limits, meet } from "./interval.ts";
import type { State } from "./state.ts";

/**
 * Adds to a state what follows for variables and facts from an expression's value being in a range: `x + 4 <= 100`
 * says that x is at most 96. The expression must just have been evaluated, with nothing assigned since.
 *
 * @returns false when it cannot be: no path has that state.
 */
export function refine(c: Checker, state: State, node: Expression, range: Interval): boolean {
  const known = rangeOf(c, state, node);
  const both = known ? meet(known, range) : range;
  if (!both) return false;
  switch (node.kind) {
    case "local":
      return refineLocal(state, node.local, both);
    case "unwrap":
    case "some":
      return refine(c, state, node.value, both);
    case "sequence":
      return c.assigns(node.value) ? true : refine(c, state, node.value, both);
    case "setting":
    case "load":
    case "operation":
      keepFact(state, node, both);
      return true;
    case "convert":
      return refineConversion(c, state, node, both);
    case "binary":
      if (c.assigns(node)) return true;
      keepFact(state, node, both);
      return refineBinary(c, state, node, both);
    case "conditional":
      return refineConditional(c, state, node, both);
    default:
      return true;
  }
}

function keepFact(state: State, node: Expression, range: Interval): void {
  const key = factKey(node);
  if (key) state.facts.set(key, range);
}

function refineLocal(state: State, local: number, range: Interval): boolean {
  const value = state.locals.get(local);
  if (!value) return true;
  const both = value.range ? meet(value.range, range) : range;
  if (!both) return false;
  state.locals.set(local, { ...value, range: both });
  return true;
}

/** What is known about an expression's value now, without evaluating it again. */
function rangeOf(c: Checker, state: State, node: Expression): Interval | undefined {
  if (node.kind === "constant" && typeof node.value === "bigint") return interval(node.value, node.value);
  if (node.kind === "local") return state.locals.get(node.local)?.range;
  const key = factKey(node);
  return (key ? state.facts.get(key) : undefined) ?? c.record.ranges.get(node);
}

/** A conversion that changes no value hands the range on. */
function refineConversion(
  c: Checker,
  state: State,
  node: Extract<Expression, { kind: "convert" }>,
  range: Interval,
): boolean {
  const inner = rangeOf(c, state, node.value);
  if (node.to === "bool" || !inner) return true;
  const target = node.to === "number" ? fullInterval("number") : limits(node.to);
  return contains(target, inner) ? refine(c, state, node.value, range) : true;
}

function refineBinary(
  c: Checker,
  state: State,
  node: Extract<Expression, { kind: "binary" }>,
  range: Interval,
): boolean {
  const left = rangeOf(c, state, node.left);
  const right = rangeOf(c, state, node.right);
  if (!left || !right) return true;
  if (node.operator === "add") {
    if (node.type.kind !== "number" && !staysExact(node, left, right)) return true;
    return (
      refine(c, state, node.left, interval(range.low - right.high, range.high - right.low)) &&
      refine(c, state, node.right, interval(range.low - left.high, range.high - left.low))
    );
  }
  if (node.operator === "subtract") {
    if (node.type.kind !== "number" && !staysExact(node, left, right)) return true;
    return (
      refine(c, state, node.left, interval(range.low + right.low, range.high + right.high)) &&
      refine(c, state, node.right, interval(left.low - range.high, left.high - range.low))
    );
  }
  return refineScaled(c, state, node, range, right);
}

/** Whether a sum or difference of u64 or i64 cannot have wrapped. */
function staysExact(node: Extract<Expression, { kind: "binary" }>, left: Interval, right: Interval): boolean {
  const exact =
    node.operator === "add"
      ? interval(left.low + right.low, left.high + right.high)
      : interval(left.low - right.high, left.high - right.low);
  return contains(fullInterval(node.type.kind === "u64" ? "u64" : "i64"), exact);
}

/** Exact products with and quotients by a positive constant. */
function refineScaled(
  c: Checker,
  state: State,
  node: Extract<Expression, { kind: "binary" }>,
  range: Interval,
  right: Interval,
): boolean {
  if (node.type.kind !== "number" || right.low !== right.high) return true;
  const by = node.operator === "shiftRight" && right.low >= 0n && right.low < 32n ? 1n << right.low : right.low;
  if (by <= 0n) return true;
  if (node.operator === "multiply")
    return refine(c, state, node.left, interval(ceiling(range.low, by), floor(range.high, by)));
  if (node.operator === "shiftRight")
    return refine(c, state, node.left, interval(range.low * by, range.high * by + by - 1n));
  return true;
}

function floor(value: bigint, by: bigint): bigint {
  const quotient = value / by;
  return value < 0n && quotient * by !== value ? quotient - 1n : quotient;
}

function ceiling(value: bigint, by: bigint): bigint {
  return -floor(-value, by);
}

/** Of an optional that is present, the side that gave it is known where the other side is `none`. */
function refineConditional(
  c: Checker,
  state: State,
  node: Extract<Expression, { kind: "conditional" }>,
  range: Interval,
): boolean {
  if (c.assigns(node)) return true;
  if (node.otherwise.kind === "none") return refine(c, state, node.then, range);
  if (node.then.kind === "none") return refine(c, state, node.otherwise, range);
  return true;
}
