import ts from "typescript";
import { messages } from "../diagnostics.ts";
import type { Expression } from "../hir/tree.ts";
import type { NarrowInteger, Type } from "../hir/types.ts";
import { isReadByClosure } from "./assignments.ts";
import { constantFits, constantType, toType } from "./coerce.ts";
import { orElse } from "./expressions/conditional.ts";
import { elementOf, property } from "./expressions/property.ts";
import type { Frame } from "./frame.ts";
import { settle } from "./settle.ts";
import { type DeclaredType, declaredType, typeOfDeclared } from "./types.ts";
import {
  type ConstantValue,
  describe,
  numberConstant,
  poison,
  type RecordValue,
  runtime,
  undefinedValue,
  type Value,
} from "./values.ts";

interface Origin {
  /** Where errors are reported. */
  readonly node: ts.Node;
  /** What declares the name, with its type. */
  readonly declaration?: ts.VariableDeclaration | ts.ParameterDeclaration | ts.BindingElement;
}

/** Gives a value to a name, or its parts to the names of a pattern. */
export function bindPattern(frame: Frame, name: ts.BindingName, value: Value, origin: Origin): void {
  if (ts.isIdentifier(name)) bindName(frame, name, value, origin);
  else if (ts.isObjectBindingPattern(name)) bindObject(frame, name, value);
  else bindArray(frame, name, value);
}

function bindObject(frame: Frame, pattern: ts.ObjectBindingPattern, whole: Value): void {
  const value = frame.inProgram ? settle(frame, whole, "parts", pattern) : whole;
  for (const element of pattern.elements) {
    const key = element.propertyName ?? element.name;
    if (element.dotDotDotToken || !(ts.isIdentifier(key) || ts.isStringLiteral(key))) {
      frame.fail(element, messages.unsupported("such destructuring", "Name the fields one by one."));
      continue;
    }
    bindElement(frame, element, value.kind === "poison" ? value : property(frame, value, key.text, element));
  }
}

function bindArray(frame: Frame, pattern: ts.ArrayBindingPattern, whole: Value): void {
  const value = frame.inProgram ? settle(frame, whole, "parts", pattern) : whole;
  pattern.elements.forEach((element, index) => {
    if (ts.isOmittedExpression(element)) return;
    if (element.dotDotDotToken)
      frame.fail(element, messages.unsupported("such destructuring", "Name the elements one by one."));
    else bindElement(frame, element, elementOf(frame, value, numberConstant(index), element));
  });
}

function bindElement(frame: Frame, element: ts.BindingElement, value: Value): void {
  const { initializer } = element;
  const chosen = initializer ? orElse(frame, value, initializer, element) : value;
  bindPattern(frame, element.name, chosen, { node: element, declaration: element });
}

function bindName(frame: Frame, name: ts.Identifier, value: Value, origin: Origin): void {
  const symbol = frame.checker.getSymbolAtLocation(name);
  if (!symbol) return;
  const annotation = origin.declaration && "type" in origin.declaration ? origin.declaration.type : undefined;
  if (frame.inProgram && frame.session.isAssigned(symbol)) {
    const declared = declaredType(frame.checker.getTypeOfSymbol(symbol), frame.checker);
    bindVariable(frame, symbol, name.text, value, declared, origin.node);
    return;
  }
  const declared = annotation && declaredType(frame.checker.getTypeOfSymbol(symbol), frame.checker);
  const typed = declared ? withDeclaredType(frame, value, declared, origin.node) : value;
  const width = declared?.optional ? undefined : declared?.width;
  const settled = frame.inProgram ? settle(frame, typed, name.text, origin.node, width) : typed;
  frame.scope.bind(symbol, { kind: "value", value: settled });
}

/** A constant takes its declared type; a run-time integer must have it already. */
export function withDeclaredType(frame: Frame, value: Value, declared: DeclaredType, node: ts.Node): Value {
  if (value.kind === "constant") return constantWithType(frame, value, declared, node);
  if (value.kind !== "runtime" || declared.open) return value;
  const { type } = value.expression;
  const scalar = type.kind === "optional" ? type.of : type;
  const wide = (kind: string): boolean => kind === "u64" || kind === "i64";
  if (wide(scalar.kind) && wide(declared.type.kind) && scalar.kind !== declared.type.kind)
    return frame.fail(node, messages.mixedIntegers(scalar.kind, declared.type.kind));
  return value;
}

function constantWithType(frame: Frame, value: ConstantValue, declared: DeclaredType, node: ts.Node): Value {
  const { kind } = declared.type;
  const name = declared.width ?? (kind === "u64" || kind === "i64" ? kind : undefined);
  if (declared.open || !name || value.type === "bool") return value;
  const wide = (type: string): boolean => type === "u64" || type === "i64";
  if (wide(value.type) && wide(name) && value.type !== name)
    return frame.fail(node, messages.mixedIntegers(value.type, name));
  const meant: ConstantValue = value.type === "bigint" && name === kind ? { ...value, type: name } : value;
  return constantFits(frame, meant, name, node) ? meant : poison;
}

function bindVariable(
  frame: Frame,
  symbol: ts.Symbol,
  name: string,
  value: Value,
  declared: DeclaredType | undefined,
  node: ts.Node,
): void {
  if (value.kind === "record") {
    const variables = bindMembers(frame, name, value, frame.checker.getTypeOfSymbol(symbol), node);
    frame.scope.bind(symbol, { kind: "value", value: variables });
    return;
  }
  const type = variableType(value, declared);
  if (!type) {
    // A reference, or something of the compiler: it stays what it is; who assigns it is told.
    const wanted = "a first value that shows what it refers to";
    const settled =
      value.kind === "undefined"
        ? frame.fail(node, messages.unexpectedValue(wanted, "undefined"))
        : settle(frame, value, name, node);
    frame.scope.bind(symbol, { kind: "value", value: settled });
    return;
  }
  // Without a first value tsc has seen to it that it gets one before it is read, except where functions read it.
  const later = value.kind === "undefined" && type.kind !== "optional";
  if (later && isReadByClosure(symbol, frame.checker))
    frame.fail(node, messages.unexpectedValue("a first value, because a function reads the variable", "undefined"));
  const first = later || value.kind === "poison" ? undefined : toType(frame, value, type, node);
  const width = declared?.width;
  const local = declareVariable(frame, name, type, first, { node, width });
  frame.scope.bind(symbol, width ? { kind: "variable", local, type, width } : { kind: "variable", local, type });
}

function declareVariable(
  frame: Frame,
  name: string,
  type: Type,
  first: Expression | undefined,
  { node, width }: { readonly node: ts.Node; readonly width: NarrowInteger | undefined },
): number {
  const at = frame.at(node);
  const local = frame.emitter.newLocal(name, type, at, width);
  frame.emitter.mutable.add(local);
  frame.emitter.emit(first ? { kind: "let", local, value: first, at } : { kind: "let", local, at });
  return local;
}

/** An object that is assigned as a whole: a variable for each of its members, which are scalars or such objects. */
function bindMembers(frame: Frame, name: string, value: RecordValue, declaredAs: ts.Type, node: ts.Node): RecordValue {
  const members = new Map<string, Value>();
  for (const symbol of frame.checker.getPropertiesOfType(frame.checker.getNonNullableType(declaredAs))) {
    const member = value.members.get(symbol.name) ?? undefinedValue;
    const type = frame.checker.getTypeOfSymbol(symbol);
    members.set(symbol.name, bindMember(frame, `${name}_${symbol.name}`, member, type, node));
  }
  return { kind: "record", members };
}

function bindMember(frame: Frame, name: string, value: Value, declaredAs: ts.Type, node: ts.Node): Value {
  if (value.kind === "poison") return poison;
  if (value.kind === "record") return bindMembers(frame, name, value, declaredAs, node);
  const declared = declaredType(declaredAs, frame.checker);
  const type = declared && variableType(value, declared);
  if (!type) return frame.fail(node, messages.assignedObject(describe(value)));
  const first = toType(frame, value, type, node);
  const local = declareVariable(frame, name, type, first, { node, width: declared.width });
  return runtime({ kind: "local", local, type, at: frame.at(node) });
}

/** The type of a variable that is assigned; undefined for what cannot be one. */
function variableType(value: Value, declared: DeclaredType | undefined): Type | undefined {
  if (declared && !declared.open) return typeOfDeclared(declared);
  if (declared?.open) {
    const first = value.kind === "constant" ? constantType(value) : runtimeInteger(value);
    return typeOfDeclared(first ? { ...declared, type: first } : declared);
  }
  const expression = value.kind === "runtime" ? value.expression : undefined;
  return expression?.type.kind === "optional" ? expression.type : undefined;
}

function runtimeInteger(value: Value): DeclaredType["type"] | undefined {
  if (value.kind !== "runtime") return undefined;
  const { type } = value.expression;
  const scalar = type.kind === "optional" ? type.of : type;
  return scalar.kind === "u64" || scalar.kind === "i64" ? scalar : undefined;
}
