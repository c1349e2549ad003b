import type { Layout } from "./layout.ts";
import type { Position } from "./position.ts";
import type { IntegerName, NarrowInteger, RefType, ScalarType, Type } from "./types.ts";

/**
 * HIR: the typed tree that the front end makes of a kernel module, and all that is needed after it.
 *
 * Plain data that serialises to JSON (`serialise.ts`). User functions, generics and compile-time values are already
 * expanded; settings stay symbolic; nothing depends on a hook. `language.md` gives the meaning of the source,
 * `interpret.ts` that of every node here.
 */
export const hirVersion = 1;

export interface Module {
  readonly version: number;
  readonly name: string;
  readonly sources: readonly Source[];
  readonly maps: readonly MapDeclaration[];
  readonly settings: readonly SettingDeclaration[];
  readonly programs: readonly Program[];
}

export interface Source {
  /** Relative to the module's folder, for messages and line info. */
  readonly path: string;
  readonly text: string;
}

export type MapKind =
  | "array"
  | "hash"
  | "lruHash"
  | "perCpuArray"
  | "perCpuHash"
  | "lruPerCpuHash"
  | "lpmTrie"
  | "ringBuffer"
  | "queue"
  | "stack"
  | "devMap"
  | "devMapHash"
  | "progArray"
  | "arrayOfMaps"
  | "hashOfMaps";

export interface MapDeclaration {
  readonly name: string;
  readonly kind: MapKind;
  /** Absent for ring buffers and queues. An LPM trie's key starts with its prefix length (u32). */
  readonly key?: Layout;
  /** Absent for ring buffers without a declared event; a queue's element; 4 bytes for device and program maps. */
  readonly value?: Layout;
  /** Entries; bytes for a ring buffer. */
  readonly maxEntries: number;
  /** BPF_F_* map flags. */
  readonly flags: number;
  /** For maps of maps: the index in `Module.maps` of the map that is the template of the inner ones. */
  readonly inner?: number;
  /** How `iovisor run` shows it. */
  readonly display?: MapDisplay;
  readonly at: Position;
}

export interface MapDisplay {
  readonly title?: string;
  readonly kind: "table" | "histogram" | "hidden";
}

export type SettingValue =
  | bigint
  | boolean
  | string
  | readonly SettingValue[]
  | { readonly [name: string]: SettingValue };

export type SettingType =
  | { readonly kind: "integer"; readonly name: IntegerName; readonly minimum?: bigint; readonly maximum?: bigint }
  | { readonly kind: "bool" }
  /** Named integers: the value is one of the names, the program sees the number. */
  | { readonly kind: "enum"; readonly name: string; readonly members: readonly (readonly [string, bigint])[] }
  | {
      readonly kind: "struct";
      readonly fields: readonly { readonly name: string; readonly type: SettingType; readonly description?: string }[];
    }
  /** Rules: matched in order by `match`. Element fields are matchers or plain values. */
  | { readonly kind: "list"; readonly element: SettingType; readonly maxItems?: number }
  | { readonly kind: "set"; readonly element: SettingType; readonly maxItems?: number }
  /** What a rule's field accepts: anything when the rule leaves it out. */
  | {
      readonly kind: "matcher";
      readonly matcher: "exact" | "range" | "prefix" | "set";
      readonly name: IntegerName;
      readonly format?: ValueFormat;
    }
  | { readonly kind: "formatted"; readonly format: ValueFormat };

/** Scalars that people write in another form than a number. */
export type ValueFormat = "ipv4" | "ipv6" | "mac" | "cidr4" | "cidr6";

export interface SettingDeclaration {
  readonly name: string;
  readonly type: SettingType;
  readonly default: SettingValue;
  readonly description: string;
  readonly at: Position;
}

/** Kinds of programs; `src/language/kinds.ts` says for each what its hooks, verdicts and context are. */
export type ProgramKind = "packet" | "tracepoint" | "btfTracepoint" | "cgroupConnect4" | "cgroupConnect6";

export interface Program {
  readonly name: string;
  readonly kind: ProgramKind;
  /** A tracepoint's name: "sched:sched_switch", or "kfree_skb" for a BTF tracepoint. */
  readonly target?: string;
  readonly locals: readonly Local[];
  readonly body: readonly Statement[];
  readonly at: Position;
}

/** A variable; its index in `Program.locals` is its identity. References are bound once, scalars may be assigned. */
export interface Local {
  readonly name: string;
  readonly type: Type;
  /** For `number` (and optional number): the declared width, which every assignment must be proven to fit. */
  readonly width?: NarrowInteger;
  readonly at: Position;
}

// ---------------------------------------------------------------------------------------------------- statements

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

// --------------------------------------------------------------------------------------------------- expressions

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
 * The first rule of the list setting whose matchers all accept, as its index in the configured list (a number), or
 * absent. `ruleField` operations read the plain fields of that rule.
 */
export interface MatchExpression {
  readonly kind: "match";
  readonly setting: string;
  /** Value for each matcher field, by field name; all numbers, or u64 for wide ones; ipv6 as reference to 16 bytes. */
  readonly subjects: readonly { readonly field: string; readonly value: Expression }[];
  readonly type: Type;
  readonly at: Position;
}
