import ts from "typescript";
import { messages } from "../diagnostics.ts";
import { withDeclaredType } from "./bindings.ts";
import { isStable } from "./emitter.ts";
import { evaluate } from "./expressions/evaluate.ts";
import { property } from "./expressions/property.ts";
import { Frame } from "./frame.ts";
import { libraryValue } from "./library/index.ts";
import { isLibraryFile } from "./program.ts";
import type { Session } from "./session.ts";
import { declaredType } from "./types.ts";
import { numberConstant, poison, stringValue, type Value } from "./values.ts";

/** The frame of module scope: no program, no names but those of modules. */
export function moduleFrame(session: Session, hint = ""): Frame {
  return new Frame({ session, scope: session.moduleScope, jumps: [], calls: [], hint });
}

/** What a name of module scope, of an import or of the library stands for. Evaluated once, when first needed. */
export function moduleValue(frame: Frame, symbol: ts.Symbol, node: ts.Node): Value {
  const { session } = frame;
  const target = symbol.flags & ts.SymbolFlags.Alias ? session.checker.getAliasedSymbol(symbol) : symbol;
  const declaration = target.declarations?.find(hasBody) ?? target.valueDeclaration ?? target.declarations?.[0];
  // What cannot be found has tsc's own message.
  if (!declaration) return poison;
  if (isLibraryFile(declaration.getSourceFile().fileName))
    return ts.isSourceFile(declaration) ? namespaceValue(session, declaration) : libraryValue(frame, target.name, node);
  if (!isOfModule(declaration)) return frame.fail(node, messages.notYet(target.name));
  const known = session.constants.get(target);
  if (known === "busy") return frame.fail(node, messages.cycle(target.name));
  if (known) return known;
  session.constants.set(target, "busy");
  const value = declaredValue(session, declaration, node);
  session.constants.set(target, value);
  return value;
}

/** The one of a function's overloads that says what it does. */
function hasBody(declaration: ts.Declaration): boolean {
  return ts.isFunctionDeclaration(declaration) && declaration.body !== undefined;
}

/** Whether a declaration stands at module scope (or is an enum, whose members are constants anywhere). */
function isOfModule(declaration: ts.Declaration): boolean {
  if (ts.isEnumDeclaration(declaration)) return true;
  let outer: ts.Node = declaration;
  while (!ts.isSourceFile(outer)) {
    if (ts.isBlock(outer.parent) || ts.isCaseOrDefaultClause(outer.parent) || ts.isFunctionLike(outer.parent))
      return false;
    outer = outer.parent;
  }
  return true;
}

function declaredValue(session: Session, declaration: ts.Declaration, node: ts.Node): Value {
  if (ts.isVariableDeclaration(declaration)) return variableValue(session, declaration);
  if (ts.isFunctionDeclaration(declaration)) {
    const name = declaration.name?.text ?? "default";
    return { kind: "function", declaration, scope: session.moduleScope, name };
  }
  if (ts.isEnumDeclaration(declaration)) return enumValue(session, declaration);
  if (ts.isBindingElement(declaration)) return patternValue(session, declaration);
  if (ts.isExportAssignment(declaration)) return evaluate(moduleFrame(session, "default"), declaration.expression);
  if (ts.isSourceFile(declaration)) return namespaceValue(session, declaration);
  return session.report(node, messages.unsupported("such a declaration", "Declare it with const or function."));
}

function variableValue(session: Session, declaration: ts.VariableDeclaration): Value {
  const name = ts.isIdentifier(declaration.name) ? declaration.name.text : "";
  if (!declaration.initializer) return poison;
  const value = evaluate(moduleFrame(session, name), declaration.initializer);
  if (value.kind === "runtime" && !isAvailable(value))
    return session.report(declaration.initializer, messages.runtimeAtModuleScope("this"));
  const declared = declaration.type && declaredType(session.checker.getTypeAtLocation(declaration), session.checker);
  return declared ? withDeclaredType(moduleFrame(session), value, declared, declaration) : value;
}

/** Settings are known before any program runs, and verdicts are constants. */
function isAvailable({ expression }: Extract<Value, { kind: "runtime" }>): boolean {
  return isStable(expression, new Set());
}

function patternValue(session: Session, element: ts.BindingElement): Value {
  const key = element.propertyName ?? element.name;
  const declaration = element.parent.parent;
  if (!ts.isVariableDeclaration(declaration) || !declaration.initializer || !ts.isIdentifier(key)) {
    const instead = "Take one field after the other with a const.";
    return session.report(element, messages.unsupported("such destructuring at module scope", instead));
  }
  const { initializer } = declaration;
  const whole = session.initializers.get(initializer) ?? evaluate(moduleFrame(session, key.text), initializer);
  session.initializers.set(initializer, whole);
  return property(moduleFrame(session, key.text), whole, key.text, element);
}

function enumValue(session: Session, declaration: ts.EnumDeclaration): Value {
  const members = new Map<string, Value>();
  for (const member of declaration.members) {
    const value = session.checker.getConstantValue(member);
    const name = ts.isIdentifier(member.name) || ts.isStringLiteral(member.name) ? member.name.text : "";
    if (typeof value === "string") members.set(name, stringValue(value));
    else if (typeof value === "number" && Number.isSafeInteger(value)) members.set(name, numberConstant(value));
    else session.report(member, messages.notConstant("a member of an enum"));
  }
  return { kind: "record", members };
}

/** `import * as headers from ...` */
function namespaceValue(session: Session, file: ts.SourceFile): Value {
  const symbol = session.checker.getSymbolAtLocation(file);
  return {
    kind: "object",
    what: "a module",
    member(frame, name, node) {
      const found = symbol && session.checker.tryGetMemberInModuleExports(name, symbol);
      return found && moduleValue(frame, found, node);
    },
  };
}
