import * as build from "../../compiler/hir/build.ts";
import type { Expression } from "../../compiler/hir/tree.ts";

/**
 * Verdicts of functions as numbers, so that a pipeline can look at them: what becomes of the packet, and an argument
 * (where to, or why). Both are variables of their own, so that the first one is a constant wherever a function comes to
 * its verdict: the optimiser then leads each `return` straight to its exit.
 */
export const verdictKinds = { toHost: 0, drop: 1, forward: 2, flood: 3, punt: 4 } as const;
export type VerdictKind = keyof typeof verdictKinds;

/** A verdict in two numbers. */
export interface VerdictParts {
  readonly kind: Expression;
  readonly argument: Expression;
}

export function verdictParts(kind: VerdictKind, argument: Expression = build.number(0)): VerdictParts {
  return { kind: build.number(verdictKinds[kind]), argument };
}

/** Bits of an argument: a port, a reason, or a group (12 bits) with a VLAN tag (16). */
const argumentBits = 28n;

/** Both in one number, for verdicts that may be absent. */
export function packVerdict({ kind, argument }: VerdictParts): Expression {
  return build.add(build.binary("multiply", kind, build.number(1n << argumentBits)), argument);
}

export function unpackVerdict(packed: Expression): VerdictParts {
  return {
    kind: build.binary("shiftRight", packed, build.number(argumentBits)),
    argument: build.binary("and", packed, build.number((1n << argumentBits) - 1n)),
  };
}

export function isKind(kind: Expression, wanted: VerdictKind): Expression {
  return build.compare("equal", kind, build.number(verdictKinds[wanted]));
}
