import type ts from "typescript";
import type { IntegerLayout, Layout } from "../hir/layout.ts";
import type { Expression, ProgramKind, SettingType, SettingValue } from "../hir/tree.ts";
import type { ScalarType } from "../hir/types.ts";
import type { Frame } from "./frame.ts";
import type { Scope } from "./scope.ts";

/**
 * What the front end's evaluator calculates with. Module scope and everything that exists at compile time are values
 * proper; what only the kernel will know is a `runtime` value: an HIR expression.
 */
export type Value =
  | ConstantValue
  | RuntimeValue
  | GuardedValue
  | RecordValue
  | OptionalRecordValue
  | ListValue
  | RangeValue
  | StringValue
  | UndefinedValue
  | VoidValue
  | FunctionValue
  | LayoutValue
  | ObjectValue
  | BuiltinValue
  | SettingTypeValue
  | ProgramValue
  | PoisonValue;

/** A known scalar. A "bigint" has not met a u64 or an i64 yet. */
export interface ConstantValue {
  readonly kind: "constant";
  readonly type: "number" | "bigint" | "u64" | "i64" | "bool";
  readonly value: bigint | boolean;
}

export interface RuntimeValue {
  readonly kind: "runtime";
  readonly expression: Expression;
  /** A choice of the configuration whose members have no numbers of their own: compared with these names. */
  readonly names?: readonly (readonly [string, bigint])[];
  /** A reference to a kernel object: its type, which says what its fields are. */
  readonly kernelType?: ts.Type;
}

/** What `a?.b` gives: present when the test holds, and then this value. */
export interface GuardedValue {
  readonly kind: "guarded";
  readonly present: Expression;
  readonly value: RuntimeValue;
}

/** An object of the compiler: a constant object, or several values that travel together. */
export interface RecordValue {
  readonly kind: "record";
  readonly members: ReadonlyMap<string, Value>;
}

/** An object or undefined, as a function returns it. The members are to be used where `present` holds. */
export interface OptionalRecordValue {
  readonly kind: "optionalRecord";
  readonly present: Expression;
  readonly record: RecordValue | ObjectValue;
}

export interface ListValue {
  readonly kind: "list";
  readonly items: readonly Value[];
}

/** What `range` gives: the numbers of a loop. */
export interface RangeValue {
  readonly kind: "range";
  readonly from: Value;
  readonly to: Value;
  readonly step: number;
}

export interface StringValue {
  readonly kind: "string";
  readonly text: string;
}

export interface UndefinedValue {
  readonly kind: "undefined";
}

export interface VoidValue {
  readonly kind: "void";
}

export interface FunctionValue {
  readonly kind: "function";
  readonly declaration: ts.FunctionLikeDeclaration;
  readonly scope: Scope;
  readonly name: string;
}

export interface LayoutValue {
  readonly kind: "layout";
  readonly layout: Layout;
  /** What it is called in messages. */
  readonly name: string;
  /** The limits of a setting of it. */
  readonly limits?: readonly [bigint, bigint];
  /** The named values of an enumeration. */
  readonly members?: ReadonlyMap<string, bigint>;
}

/** A thing of the library: a map, the packet, the settings. */
export interface ObjectValue {
  readonly kind: "object";
  /** What it is, for messages. */
  readonly what: string;
  member(frame: Frame, name: string, node: ts.Node): Value | undefined;
  /** The index in the module's maps. */
  readonly map?: number;
  /** What `match` searches. */
  readonly rules?: RuleList;
}

export interface RuleList {
  readonly setting: string;
  readonly fields: readonly { readonly name: string; readonly type: SettingType }[];
  readonly namedFields: ReadonlyMap<string, boolean>;
}

/** A function of the library; it evaluates its arguments itself. */
export interface BuiltinValue {
  readonly kind: "builtin";
  readonly name: string;
  call(frame: Frame, call: ts.CallExpression): Value;
  /** What stands behind a dot: `ipv4.default`. */
  member?(frame: Frame, name: string, node: ts.Node): Value | undefined;
  /** What it is as a setting: `ipv4`. */
  readonly setting?: SettingTypeValue;
}

/** What `config` and `rule` are made of. */
export interface SettingTypeValue {
  readonly kind: "settingType";
  readonly type: SettingType;
  readonly default?: SettingValue;
  readonly description: string;
  /** A choice whose members have no numbers of their own. */
  readonly named?: boolean;
  /** Of a rule: which of its fields are such choices. */
  readonly namedFields?: ReadonlyMap<string, boolean>;
}

export interface ProgramValue {
  readonly kind: "program";
  readonly programKind: ProgramKind;
  readonly target?: string;
  readonly handler: FunctionValue;
  readonly node: ts.Node;
}

/** An error that was reported stands here: whatever touches it says nothing more. */
export interface PoisonValue {
  readonly kind: "poison";
}

export const poison: PoisonValue = Object.freeze({ kind: "poison" });
export const undefinedValue: UndefinedValue = Object.freeze({ kind: "undefined" });
export const voidValue: VoidValue = Object.freeze({ kind: "void" });

export function numberConstant(value: bigint | number): ConstantValue {
  return { kind: "constant", type: "number", value: BigInt(value) };
}

export function boolConstant(value: boolean): ConstantValue {
  return { kind: "constant", type: "bool", value };
}

export function runtime(expression: Expression): RuntimeValue {
  return { kind: "runtime", expression };
}

export function stringValue(text: string): StringValue {
  return { kind: "string", text };
}

export function builtin(name: string, call: BuiltinValue["call"], member?: BuiltinValue["member"]): BuiltinValue {
  return member ? { kind: "builtin", name, call, member } : { kind: "builtin", name, call };
}

/** The name of a value's type, as messages give it. */
export function describe(value: Value): string {
  switch (value.kind) {
    case "constant":
      return value.type === "bool" ? "a boolean" : `${/^[iu8aeo]/.test(value.type) ? "an" : "a"} ${value.type}`;
    case "runtime":
      return describeType(value);
    case "guarded":
      return "a value that may be absent";
    case "record":
    case "optionalRecord":
      return "an object";
    case "list":
      return "a list";
    case "range":
      return "a range";
    case "string":
      return "text";
    case "undefined":
      return "undefined";
    case "void":
    case "poison":
      return "nothing";
    case "function":
    case "builtin":
      return "a function";
    case "layout":
      return "a layout";
    case "object":
      return value.what;
    case "settingType":
      return "a setting's type";
    case "program":
      return "a program";
  }
}

function describeType({ expression: { type } }: RuntimeValue): string {
  switch (type.kind) {
    case "ref":
      return `a reference to ${layoutName(type.layout)}`;
    case "optional":
      return type.of.kind === "ref"
        ? `a reference to ${layoutName(type.of.layout)} that may be absent`
        : `${scalarName(type.of)} that may be absent`;
    case "void":
      return "nothing";
    default:
      return scalarName(type);
  }
}

function scalarName(type: ScalarType): string {
  const names = { number: "a number", u64: "a u64", i64: "an i64", bool: "a boolean", verdict: "a verdict" };
  return names[type.kind];
}

/** What messages call a layout. */
export function layoutName(layout: Layout): string {
  switch (layout.kind) {
    case "struct":
    case "union":
      return layout.name;
    case "integer":
      return integerLayoutName(layout);
    case "bytes":
      return `bytes(${layout.length})`;
    case "array":
      return `array(${layoutName(layout.element)}, ${layout.length})`;
    case "bits":
      return `bits(${layout.width})`;
    case "bool":
      return "bool";
    case "opaque":
      return layout.what;
  }
}

function integerLayoutName({ bits, signed, order }: IntegerLayout): string {
  return `${order === "big" ? "be" : signed ? "i" : "u"}${bits}`;
}
