import ts from "typescript";
import { type OperationName, operations } from "../../../language/operations.ts";
import { messages } from "../../diagnostics.ts";
import type { Expression, Statement } from "../../hir/tree.ts";
import { loadedType, voidType } from "../../hir/types.ts";
import * as build from "../build.ts";
import { toType } from "../coerce.ts";
import { elementReference, fieldReference } from "../expressions/property.ts";
import type { Frame } from "../frame.ts";
import { inline } from "../inline.ts";
import { merge } from "../merge.ts";
import { builtin, describe, poison, type RuntimeValue, runtime, type Value } from "../values.ts";
import { values } from "./arguments.ts";
import type { Library, LibraryEntry } from "./index.ts";

export const atomicsLibrary: Library = {
  atomicAdd: atomic("atomic.add"),
  atomicFetchAdd: atomic("atomic.fetchAdd"),
  atomicFetchAnd: atomic("atomic.fetchAnd"),
  atomicFetchOr: atomic("atomic.fetchOr"),
  atomicFetchXor: atomic("atomic.fetchXor"),
  atomicExchange: atomic("atomic.exchange"),
  atomicCompareExchange: atomic("atomic.compareExchange"),
  withLock: () => builtin("withLock", withLock),
};

/** `(target, field, values...)` */
function atomic(name: OperationName): LibraryEntry {
  return () =>
    builtin(name, (frame, call) => {
      const given = values(frame, call);
      const [target, field, ...rest] = given ?? [];
      if (!target || !field) return poison;
      const place = placeOf(frame, target, field, call);
      if (place?.type.kind !== "ref") return poison;
      const type = loadedType(place.type.layout);
      if (!type) return poison;
      const args = rest.map((value, index) => toType(frame, value, type, call.arguments[index + 2]!));
      if (!args.every((one) => one !== undefined)) return poison;
      const result = operations[name].result === "void" ? voidType : type;
      return runtime(build.operation(name, [place, ...args], result, frame.at(call)));
    });
}

/** The field of a live map value; packets and local values are not shared, so they have no atomics. */
function placeOf(frame: Frame, target: Value, field: Value, call: ts.CallExpression): Expression | undefined {
  if (target.kind !== "runtime" || target.expression.type.kind !== "ref") {
    frame.fail(call, messages.unexpectedValue("a live map value", describe(target)));
    return undefined;
  }
  const place = part(frame, target, field, call);
  if (place?.type.kind !== "ref") return undefined;
  const { layout, region } = place.type;
  const shared = region === "map" && layout.kind === "integer" && layout.order === "native" && layout.bits >= 32;
  if (shared) return place;
  frame.fail(call, messages.notAtomic());
  return undefined;
}

function part(frame: Frame, target: RuntimeValue, field: Value, call: ts.CallExpression): Expression | undefined {
  if (field.kind === "string") return fieldReference(frame, target, field.text, call);
  return elementReference(frame, target, field, call);
}

/** `withLock(value.lock, () => { ... })` */
function withLock(frame: Frame, call: ts.CallExpression): Value {
  if (!frame.inProgram) return frame.fail(call, messages.runtimeAtModuleScope("a lock"));
  const [lock, body] = values(frame, call) ?? [];
  if (!lock || !body) return poison;
  const type = lock.kind === "runtime" ? lock.expression.type : undefined;
  const isLock = type?.kind === "ref" && type.layout.kind === "opaque" && type.layout.what === "spinLock";
  if (lock.kind !== "runtime" || !isLock || type.region !== "map")
    return frame.fail(call, messages.unexpectedValue("the spin lock of a live map value", describe(lock)));
  if (body.kind !== "function") return frame.fail(call, messages.unexpectedValue("a function", describe(body)));
  if (returnsEarly(body.declaration)) return frame.fail(call, messages.lockedReturn("an early return"));
  const { emitter } = frame;
  const { statements, result } = emitter.capture(() => inline(frame.with({ locked: true }), body, [], call));
  return locked(frame, lock.expression, statements, result, call);
}

/** The result of the body outlives the lock: it is kept in variables that are declared in front of it. */
function locked(frame: Frame, lock: Expression, body: Statement[], result: Value, node: ts.Node): Value {
  const declarations: Statement[] = [];
  const value = merge(frame, [{ value: result, statements: body, node }], { name: "locked", declarations }, node);
  for (const statement of declarations) frame.emitter.emit(statement);
  frame.emitter.emit({ kind: "lock", lock, body, at: frame.at(node) });
  return value;
}

/** Whether a `return` stands anywhere but at the end. */
function returnsEarly(declaration: ts.FunctionLikeDeclaration): boolean {
  if (!declaration.body || !ts.isBlock(declaration.body)) return false;
  const last = declaration.body.statements.at(-1);
  const visit = (node: ts.Node): boolean => {
    if (ts.isReturnStatement(node)) return node !== last;
    return ts.isFunctionLike(node) ? false : ts.forEachChild(node, visit) === true;
  };
  return visit(declaration.body);
}
