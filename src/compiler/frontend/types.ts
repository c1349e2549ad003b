import ts from "typescript";
import {
  boolType,
  type IntegerName,
  i64Type,
  type NarrowInteger,
  numberType,
  optionalType,
  type ScalarType,
  u64Type,
  verdictType,
} from "../hir/types.ts";

/** What a declared type says about a variable: its HIR type, and the integer that its values must fit. */
export interface DeclaredType {
  readonly type: ScalarType;
  readonly width?: NarrowInteger;
  readonly optional: boolean;
  /** A bigint without a brand: the first value says whether it is a u64 or an i64. */
  readonly open?: true;
}

/** The key of a brand is a unique symbol; TypeScript names such a property `__@<name>@<id>`. */
export function brandOf(type: ts.Type, key: string): ts.Symbol | undefined {
  return type.getProperties().find((property) => property.escapedName.toString().startsWith(`__@${key}@`));
}

/** Whether undefined (or void) is among what the type allows. */
export function allowsUndefined(type: ts.Type): boolean {
  const flags = ts.TypeFlags.Undefined | ts.TypeFlags.Void | ts.TypeFlags.Any | ts.TypeFlags.Unknown;
  if (type.isUnion()) return type.types.some((one) => (one.flags & flags) !== 0);
  return (type.flags & (flags | ts.TypeFlags.TypeParameter)) !== 0;
}

/** What a scalar type of TypeScript declares; undefined for all others. */
export function declaredType(type: ts.Type, checker: ts.TypeChecker): DeclaredType | undefined {
  const optional = type.isUnion() && allowsUndefined(type);
  const bare = optional ? checker.getNonNullableType(type) : type;
  const members = bare.isUnion() ? bare.types : [bare];
  if (members.length === 0) return undefined;
  if (members.every((one) => (one.flags & ts.TypeFlags.BooleanLike) !== 0)) return { type: boolType, optional };
  if (members.every((one) => isNumberLike(one))) {
    const width = widthOf(members, checker);
    return width === undefined ? { type: numberType, optional } : { type: numberType, width, optional };
  }
  if (members.every((one) => isBigIntLike(one))) return { ...bigintType(members, checker), optional };
  return members.every((one) => brandOf(one, "verdict")) ? { type: verdictType, optional } : undefined;
}

/** The same for what may be absent. */
export function typeOfDeclared({ type, optional }: DeclaredType) {
  return optional ? optionalType(type) : type;
}

function isNumberLike(type: ts.Type): boolean {
  if (type.isIntersection()) return type.types.some(isNumberLike);
  return (type.flags & ts.TypeFlags.NumberLike) !== 0;
}

function isBigIntLike(type: ts.Type): boolean {
  if (type.isIntersection()) return type.types.some(isBigIntLike);
  return (type.flags & ts.TypeFlags.BigIntLike) !== 0;
}

/** From the widest; the first that a brand names is the type itself. */
const byBrand: readonly (readonly [brand: IntegerName, name: IntegerName])[] = [
  ["u64", "u64"],
  ["i64", "i64"],
  ["i32", "i32"],
  ["u32", "u32"],
  ["i16", "i16"],
  ["u16", "u16"],
  ["i8", "i8"],
  ["u8", "u8"],
];

/** The integer type that a branded type stands for. */
export function integerOf(type: ts.Type, checker: ts.TypeChecker): IntegerName | undefined {
  const brand = type.isIntersection() ? brandOf(type, "fits") : undefined;
  if (!brand) return undefined;
  const names = checker.getTypeOfSymbol(brand);
  const present = new Set(
    (names.isUnion() ? names.types : [names]).map((one) => (one.isStringLiteral() ? one.value : "")),
  );
  return byBrand.find(([name]) => present.has(name))?.[1];
}

/** The widest of the members' integers, when all of them have one; literals have none. */
function widthOf(members: readonly ts.Type[], checker: ts.TypeChecker): NarrowInteger | undefined {
  const names = members.map((one) => integerOf(one, checker));
  if (names.some((name) => name === undefined || name === "u64" || name === "i64")) return undefined;
  const found = byBrand.find(([, name]) => names.includes(name));
  return found?.[1] as NarrowInteger | undefined;
}

function bigintType(members: readonly ts.Type[], checker: ts.TypeChecker): { type: ScalarType; open?: true } {
  const names = members.map((one) => integerOf(one, checker));
  if (names.every((name) => name === "i64")) return { type: i64Type };
  if (names.every((name) => name === "u64")) return { type: u64Type };
  return { type: u64Type, open: true };
}
