import type { Expression } from "./expressions.ts";
import type { Position } from "./position.ts";

/** Statements of HIR: a part of `tree.ts`, which re-exports them. */
export type Statement =
  | LetStatement
  | AssignStatement
  | StoreStatement
  | CopyStatement
  | ExpressionStatement
  | IfStatement
  | SwitchStatement
  | ForStatement
  | BlockStatement
  | BreakStatement
  | ContinueStatement
  | ReturnStatement
  | LockStatement;

/** First value of a local; without a value: zero, false or absent. */
export interface LetStatement {
  readonly kind: "let";
  readonly local: number;
  readonly value?: Expression;
  readonly at: Position;
}

export interface AssignStatement {
  readonly kind: "assign";
  readonly local: number;
  readonly value: Expression;
  readonly at: Position;
}

/** Writes a scalar through a reference to a scalar layout. A `number` must be proven to fit. */
export interface StoreStatement {
  readonly kind: "store";
  readonly target: Expression;
  readonly value: Expression;
  readonly at: Position;
}

/** Copies an aggregate; both references have equal layouts. */
export interface CopyStatement {
  readonly kind: "copy";
  readonly target: Expression;
  readonly source: Expression;
  readonly at: Position;
}

export interface ExpressionStatement {
  readonly kind: "expression";
  readonly value: Expression;
  readonly at: Position;
}

export interface IfStatement {
  readonly kind: "if";
  readonly test: Expression;
  readonly then: readonly Statement[];
  readonly otherwise: readonly Statement[];
  readonly at: Position;
}

/** No fall-through; a `break` out of the switch is a `break` of `label`. */
export interface SwitchStatement {
  readonly kind: "switch";
  readonly label: number;
  readonly value: Expression;
  readonly cases: readonly { readonly values: readonly bigint[]; readonly body: readonly Statement[] }[];
  readonly otherwise: readonly Statement[];
  readonly at: Position;
}

/**
 * `for (let local = from; local < to; local += step) body`: `from` and `to` (numbers) are evaluated once; `step` is a
 * positive constant. The checker proves a bound on the number of rounds. The body never assigns `local`.
 */
export interface ForStatement {
  readonly kind: "for";
  readonly label: number;
  readonly local: number;
  readonly from: Expression;
  readonly to: Expression;
  readonly step: number;
  readonly body: readonly Statement[];
  readonly at: Position;
}

/** Statements that `break label` leaves; what a called function becomes. */
export interface BlockStatement {
  readonly kind: "block";
  readonly label: number;
  readonly body: readonly Statement[];
  readonly at: Position;
}

export interface BreakStatement {
  readonly kind: "break";
  readonly label: number;
  readonly at: Position;
}

/** Goes on with the next round of the `for` of that label. */
export interface ContinueStatement {
  readonly kind: "continue";
  readonly label: number;
  readonly at: Position;
}

/** Ends the program. Packet and connect programs return a verdict, tracers nothing. */
export interface ReturnStatement {
  readonly kind: "return";
  readonly value?: Expression;
  readonly at: Position;
}

/** Runs the body with the spin lock held; the body has no operation that calls a helper, no loop and no return. */
export interface LockStatement {
  readonly kind: "lock";
  /** A reference to the `spinLock` field of a map's value. */
  readonly lock: Expression;
  readonly body: readonly Statement[];
  readonly at: Position;
}
