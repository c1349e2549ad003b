import type { Layout } from "./layout.ts";
import type { Position } from "./position.ts";
import type { Statement } from "./statements.ts";
import type { IntegerName, RefType, ScalarType, Type } from "./types.ts";

/** Expressions of HIR: a part of `tree.ts`, which re-exports them. */
export type Expression =
  | ConstantExpression
  | LocalExpression
  | SettingExpression
  | LoadExpression
  | FieldExpression
  | ElementExpression
  | KernelFieldExpression
  | UnaryExpression
  | BinaryExpression
  | CompareExpression
  | LogicalExpression
  | ConvertExpression
  | ConditionalExpression
  | SomeExpression
  | NoneExpression
  | PresentExpression
  | UnwrapExpression
  | NewExpression
  | SequenceExpression
  | OperationExpression
  | MatchExpression;

/** A number, u64, i64 or bool. Verdict constants are operations. */
export interface ConstantExpression {
  readonly kind: "constant";
  readonly type: ScalarType;
  readonly value: bigint | boolean;
  readonly at: Position;
}

export interface LocalExpression {
  readonly kind: "local";
  readonly local: number;
  readonly type: Type;
  readonly at: Position;
}

/** A scalar of the configuration: its path, such as ["limits", "burst"]. Folds at specialisation. */
export interface SettingExpression {
  readonly kind: "setting";
  readonly path: readonly string[];
  /** Its declared integer, so that ranges are known before it folds. */
  readonly width?: IntegerName;
  readonly type: ScalarType;
  readonly at: Position;
}

/** Reads the scalar that a reference points to (byte order and bit fields as its layout says). */
export interface LoadExpression {
  readonly kind: "load";
  readonly ref: Expression;
  readonly type: ScalarType;
  readonly at: Position;
}

/** The reference to a field of a struct or union. */
export interface FieldExpression {
  readonly kind: "field";
  readonly base: Expression;
  /** Index in the layout's `fields`. */
  readonly field: number;
  readonly type: RefType;
  readonly at: Position;
}

/** The reference to an element of an array, or to a byte of a `bytes`. The index must be proven in range. */
export interface ElementExpression {
  readonly kind: "element";
  readonly base: Expression;
  readonly index: Expression;
  readonly type: RefType;
  readonly at: Position;
}

/**
 * A field of a kernel structure, resolved against the running kernel's BTF when the program is made: `base` is a
 * context or kernel reference whose layout is an empty struct that carries the kernel's name; `path` may cross embedded
 * structures. A scalar, a u64 for a pointer that is only a number, or a kernel reference (optional) for one that is
 * followed; arrays of char give their address.
 */
export interface KernelFieldExpression {
  readonly kind: "kernelField";
  readonly base: Expression;
  readonly struct: string;
  readonly path: readonly string[];
  /** What the program expects of it; the kernel's own size may differ and is converted. */
  readonly width?: IntegerName;
  readonly type: Type;
  readonly at: Position;
}

export type UnaryOperator = "negate" | "not" | "bitNot";

/** `not`: bool. `negate`: number, i64, u64. `bitNot`: number as u32, u64, i64. */
export interface UnaryExpression {
  readonly kind: "unary";
  readonly operator: UnaryOperator;
  readonly value: Expression;
  readonly type: ScalarType;
  readonly at: Position;
}

export type BinaryOperator =
  | "add"
  | "subtract"
  | "multiply"
  | "divide"
  | "remainder"
  | "and"
  | "or"
  | "xor"
  | "shiftLeft"
  | "shiftRight"
  | "shiftRightUnsigned";

/**
 * Both operands and the result have one type: number, u64 or i64 (a shift's count has it too).
 *
 * On numbers: add, subtract, multiply are exact; divide truncates towards zero, x / 0 = 0 and x % 0 = x (RFC 9669);
 * and, or, xor work on the operands' low 32 bits and give a u32; shiftLeft gives the low 32 bits of u32(x) << n;
 * shiftRight is floor(x / 2^n) of the exact value; shiftRightUnsigned is u32(x) >> n. Counts must be proven to be
 * 0..31. On u64 and i64 everything wraps; counts must be proven to be 0..63; shiftRight is arithmetic on i64 and
 * logical on u64.
 */
export interface BinaryExpression {
  readonly kind: "binary";
  readonly operator: BinaryOperator;
  readonly left: Expression;
  readonly right: Expression;
  readonly type: ScalarType;
  readonly at: Position;
}

export type CompareOperator = "equal" | "notEqual" | "less" | "lessEqual" | "greater" | "greaterEqual";

/**
 * Operands of one type: number, u64, i64 or bool (equality only), or optionals of these (equality only: two absent
 * values are equal, an absent and a present one are not).
 */
export interface CompareExpression {
  readonly kind: "compare";
  readonly operator: CompareOperator;
  readonly left: Expression;
  readonly right: Expression;
  readonly type: ScalarType;
  readonly at: Position;
}

/** Short-circuit, on bools. */
export interface LogicalExpression {
  readonly kind: "logical";
  readonly operator: "and" | "or";
  readonly left: Expression;
  readonly right: Expression;
  readonly type: ScalarType;
  readonly at: Position;
}

/**
 * An explicit conversion. To a narrow integer or u64/i64: the low bits, sign-extended for signed ones. `to: "number"`
 * (from bool: 0 or 1; from u64/i64: must be proven to fit into 0..2^63-1 or the i64 range).
 */
export interface ConvertExpression {
  readonly kind: "convert";
  readonly to: IntegerName | "number" | "bool";
  readonly value: Expression;
  readonly type: ScalarType;
  readonly at: Position;
}

/** `test ? then : otherwise`; both of `type`; only the chosen side is evaluated. */
export interface ConditionalExpression {
  readonly kind: "conditional";
  readonly test: Expression;
  readonly then: Expression;
  readonly otherwise: Expression;
  readonly type: Type;
  readonly at: Position;
}

export interface SomeExpression {
  readonly kind: "some";
  readonly value: Expression;
  readonly type: Type;
  readonly at: Position;
}

export interface NoneExpression {
  readonly kind: "none";
  readonly type: Type;
  readonly at: Position;
}

/** Whether an optional holds a value. */
export interface PresentExpression {
  readonly kind: "present";
  readonly value: Expression;
  readonly type: ScalarType;
  readonly at: Position;
}

/** The value of an optional that the checker has proven present here. */
export interface UnwrapExpression {
  readonly kind: "unwrap";
  readonly value: Expression;
  readonly type: Type;
  readonly at: Position;
}

/** New local storage, zeroed (padding too), then its fields set in order. An object literal. */
export interface NewExpression {
  readonly kind: "new";
  readonly fields: readonly {
    /** Field index or element index at each level. */
    readonly path: readonly number[];
    /** A scalar, or a reference whose aggregate is copied. */
    readonly value: Expression;
  }[];
  readonly type: RefType;
  readonly at: Position;
}

/** Runs the statements, then gives the value. What an inlined call in an expression becomes. */
export interface SequenceExpression {
  readonly kind: "sequence";
  readonly body: readonly Statement[];
  readonly value: Expression;
  readonly type: Type;
  readonly at: Position;
}

/** An operation of the kernel library: `src/language/operations.ts` is the table. */
export interface OperationExpression {
  readonly kind: "operation";
  readonly operation: string;
  readonly args: readonly Expression[];
  /** The map it works on, for operations of maps. */
  readonly map?: number;
  /** The layout it is about: `packet.at`'s. */
  readonly layout?: Layout;
  /** Compile-time numbers, in the operation's own order (flags, sizes). */
  readonly constants?: readonly number[];
  readonly type: Type;
  readonly at: Position;
}

/**
 * The first rule of the list setting whose matchers all accept, or absent. The number says which one in a form that
 * belongs to the form of the rules: `rule.index` and `rule.field` read it, nothing else does.
 */
export interface MatchExpression {
  readonly kind: "match";
  readonly setting: string;
  /** Value for each matcher field, by field name; all numbers, or u64 for wide ones; ipv6 as reference to 16 bytes. */
  readonly subjects: readonly { readonly field: string; readonly value: Expression }[];
  readonly type: Type;
  readonly at: Position;
}
