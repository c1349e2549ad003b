import type ts from "typescript";
import { messages } from "../diagnostics.ts";
import type { StructLayout } from "../hir/layout.ts";
import type { Expression, KernelFieldExpression } from "../hir/tree.ts";
import { type IntegerName, type OptionalType, optionalType, refType, type Type } from "../hir/types.ts";
import type { Frame } from "./frame.ts";
import { allowsUndefined, brandOf, declaredType, integerOf } from "./types.ts";
import { type RuntimeValue, runtime, type Value } from "./values.ts";

/** A kernel structure has no layout of ours: only its name. */
export function kernelLayout(name: string): StructLayout {
  return { kind: "struct", name, size: 0, align: 1, fields: [] };
}

/** The kernel structure that a type of the library stands for. */
export function kernelStructOf(type: ts.Type, checker: ts.TypeChecker): string | undefined {
  const brand = brandOf(checker.getNonNullableType(type), "kernelStruct");
  if (!brand) return undefined;
  const name = checker.getNonNullableType(checker.getTypeOfSymbol(brand));
  return name.isStringLiteral() ? name.value : undefined;
}

/**
 * A field of a kernel object. Its TypeScript type says what is expected of it: an integer, the bytes of a name, an
 * embedded structure, or (where it may be undefined) a pointer to one.
 */
export function kernelField(frame: Frame, value: RuntimeValue, name: string, node: ts.Node): Value {
  const symbol = value.kernelType && frame.checker.getPropertyOfType(value.kernelType, name);
  if (!symbol) return frame.fail(node, messages.unknownMember(name));
  return kernelPart(frame, value, [name], frame.checker.getTypeOfSymbol(symbol), node);
}

/** An element of an array in a kernel structure, at a constant index. */
export function kernelElement(frame: Frame, value: RuntimeValue, index: Value, node: ts.Node): Value {
  const { kernelType, expression } = value;
  if (index.kind !== "constant") return frame.fail(node, messages.notConstant("the index of a kernel array"));
  const element = kernelType && frame.checker.getIndexTypeOfType(kernelType, 1);
  if (!element || expression.kind !== "kernelField")
    return frame.fail(node, messages.unknownMember(String(index.value)));
  const base = { ...value, expression: expression.base };
  return kernelPart(frame, base, [...expression.path, String(index.value)], element, node);
}

/** What lies at a path of a kernel object, which a TypeScript type describes. */
export function kernelPart(
  frame: Frame,
  value: RuntimeValue,
  path: readonly string[],
  type: ts.Type,
  node: ts.Node,
): Value {
  const { base, struct, path: before } = origin(value.expression);
  const make = (result: Type, width?: IntegerName): KernelFieldExpression => {
    const common = { kind: "kernelField", base, struct, path: [...before, ...path], type: result } as const;
    return width ? { ...common, width, at: frame.at(node) } : { ...common, at: frame.at(node) };
  };
  const inner = kernelStructOf(type, frame.checker);
  if (inner !== undefined) return structPart(frame, make, inner, type);
  const bytes = bytesLength(type, frame.checker);
  if (bytes !== undefined) return runtime(make(refType("kernel", { kind: "bytes", length: bytes })));
  if (frame.checker.getIndexTypeOfType(type, 1))
    return { ...runtime(make(refType("kernel", kernelLayout("")))), kernelType: type };
  const declared = declaredType(type, frame.checker);
  if (!declared) return frame.fail(node, messages.unknownMember(path.join(".")));
  return runtime(make(declared.type, declared.width ?? integerOf(type, frame.checker)));
}

function structPart(frame: Frame, make: (type: Type) => KernelFieldExpression, name: string, type: ts.Type): Value {
  const of = refType("kernel", kernelLayout(name));
  const result: OptionalType | typeof of = allowsUndefined(type) ? optionalType(of) : of;
  return { ...runtime(make(result)), kernelType: frame.checker.getNonNullableType(type) };
}

interface Origin {
  readonly base: Expression;
  readonly struct: string;
  readonly path: readonly string[];
}

/** A field of an embedded structure is a field of the structure that it is embedded in. */
function origin(expression: Expression): Origin {
  if (expression.kind === "kernelField" && expression.type.kind === "ref")
    return { base: expression.base, struct: expression.struct, path: expression.path };
  const struct =
    expression.type.kind === "ref" && expression.type.layout.kind === "struct" ? expression.type.layout.name : "";
  return { base: expression, struct, path: [] };
}

/** The length of a `Bytes<N>`: an array of bytes whose type knows its length. */
function bytesLength(type: ts.Type, checker: ts.TypeChecker): number | undefined {
  const length = checker.getPropertyOfType(type, "length");
  const element = checker.getIndexTypeOfType(type, 1);
  if (!length || !element || integerOf(element, checker) !== "u8") return undefined;
  const value = checker.getTypeOfSymbol(length);
  return value.isNumberLiteral() ? value.value : undefined;
}
