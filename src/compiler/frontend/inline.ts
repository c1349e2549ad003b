import ts from "typescript";
import { messages } from "../diagnostics.ts";
import type { NarrowInteger } from "../hir/types.ts";
import { bindPattern } from "./bindings.ts";
import { sequenceOf } from "./blocks.ts";
import { orElse } from "./expressions/conditional.ts";
import { evaluate } from "./expressions/evaluate.ts";
import type { Frame } from "./frame.ts";
import { merge } from "./merge.ts";
import { InlinedReturns } from "./returns.ts";
import { Scope } from "./scope.ts";
import { settle } from "./settle.ts";
import { evaluateStatements } from "./statements/evaluate.ts";
import { declaredType } from "./types.ts";
import { type FunctionValue, poison, undefinedValue, type Value, voidValue } from "./values.ts";

/** One arrow function may make many closures that call each other; beyond this many it makes them without end. */
const maximumClosures = 32;

function isRecursive(calls: readonly FunctionValue[], callee: FunctionValue): boolean {
  const closures = calls.filter((one) => one.declaration === callee.declaration);
  return closures.includes(callee) || closures.length >= maximumClosures;
}

/** Puts a function's body in the place of its call. */
export function inline(frame: Frame, callee: FunctionValue, args: readonly Value[], call: ts.Node): Value {
  const { declaration } = callee;
  if (isRecursive(frame.state.calls, callee)) return frame.fail(call, messages.recursion(callee.name));
  if (!declaration.body || args.some((arg) => arg.kind === "poison")) return poison;
  const inner = frame.with({
    scope: new Scope(callee.scope),
    calls: [...frame.state.calls, callee],
    jumps: [],
  });
  bindParameters(inner, declaration, args, call);
  const width = returnWidth(frame, declaration);
  if (ts.isBlock(declaration.body)) return inlineBlock(inner, callee.name, declaration.body, width);
  const value = evaluate(inner, declaration.body);
  return frame.inProgram && width ? settle(frame, value, callee.name, declaration.body, width) : value;
}

function bindParameters(
  frame: Frame,
  declaration: ts.FunctionLikeDeclaration,
  args: readonly Value[],
  call: ts.Node,
): void {
  declaration.parameters.forEach((parameter, index) => {
    if (parameter.dotDotDotToken) {
      bindPattern(frame, parameter.name, { kind: "list", items: args.slice(index) }, { node: call });
      return;
    }
    const given = args[index] ?? undefinedValue;
    const initial = parameter.initializer ? orElse(frame, given, parameter.initializer, call) : given;
    bindPattern(frame, parameter.name, initial, { node: call, declaration: parameter });
  });
}

/** The integer that a declared result must fit. */
function returnWidth(frame: Frame, declaration: ts.FunctionLikeDeclaration): NarrowInteger | undefined {
  if (!declaration.type) return undefined;
  return declaredType(frame.checker.getTypeFromTypeNode(declaration.type), frame.checker)?.width;
}

function inlineBlock(frame: Frame, name: string, body: ts.Block, width: NarrowInteger | undefined): Value {
  if (!frame.inProgram) return constantBody(frame, body);
  const { emitter } = frame;
  const at = frame.at(body);
  const label = emitter.newLabel();
  const returns = new InlinedReturns(label, body.statements.at(-1));
  const { statements, result: ended } = emitter.capture(() =>
    evaluateStatements(frame.with({ returns }), body.statements),
  );
  if (!ended) returns.end(statements, body);
  const single = returns.branches.length === 1 && !returns.early;
  if (single) {
    for (const statement of statements) emitter.emit(statement);
    const { value } = returns.branches[0]!;
    return width ? settle(frame, value, name, body, width) : value;
  }
  const value = merge(frame, returns.branches, { name, width, declarations: emitter.current }, body);
  emitter.emit(sequenceOf(label, statements, returns.early, at));
  return value;
}

/** A function that module scope calls: its statements can only be constants and a return. */
function constantBody(frame: Frame, body: ts.Block): Value {
  let result: Value = voidValue;
  const returns = {
    leave(_: Frame, value: Value): void {
      result = value;
    },
  };
  evaluateStatements(frame.with({ returns }), body.statements);
  return result;
}
