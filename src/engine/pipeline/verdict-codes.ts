import * as build from "../../compiler/hir/build.ts";
import type { Expression } from "../../compiler/hir/tree.ts";

/**
 * Verdicts of functions as numbers, so that a pipeline can look at them: what becomes of the packet in the highest bits,
 * where to or why in the others. Mostly a constant, so that the optimiser leads each `return` straight to its exit.
 */
export const verdictKinds = { toHost: 0, drop: 1, forward: 2, flood: 3, punt: 4 } as const;
export type VerdictKind = keyof typeof verdictKinds;

/** Bits of a verdict's argument: a port, a reason, or a group (12 bits) with a VLAN tag (16). */
const argumentBits = 28n;

function code(kind: VerdictKind, argument: bigint | number = 0): bigint {
  return (BigInt(verdictKinds[kind]) << argumentBits) | BigInt(argument);
}

/** The number of a verdict whose argument is known. */
export function fixedVerdict(kind: VerdictKind, argument: bigint | number = 0): Expression {
  return build.number(code(kind, argument));
}

/** The number of a verdict with an argument of at most 28 bits that only the program knows. */
export function verdictWith(kind: VerdictKind, argument: Expression): Expression {
  if (argument.kind === "constant" && typeof argument.value === "bigint") return fixedVerdict(kind, argument.value);
  return build.binary("add", build.number(code(kind)), argument);
}

/** Whether a verdict's number is of a kind. Kinds that have no argument are compared whole. */
export function isVerdict(value: Expression, kind: VerdictKind): Expression {
  if (kind === "toHost") return build.compare("equal", value, build.number(code(kind)));
  return build.compare("equal", build.binary("shiftRight", value, build.number(argumentBits)), build.number(verdictKinds[kind]));
}

/** The argument of a verdict's number. */
export function argumentOf(value: Expression): Expression {
  return build.binary("and", value, build.number((1n << argumentBits) - 1n));
}
