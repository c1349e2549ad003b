import ts from "typescript";
import { messages } from "../diagnostics.ts";
import type { Program } from "../hir/tree.ts";
import { type RefType, refType, type Type } from "../hir/types.ts";
import { bindPattern } from "./bindings.ts";
import { Emitter } from "./emitter.ts";
import { evaluate } from "./expressions/evaluate.ts";
import type { Frame } from "./frame.ts";
import { kernelLayout, kernelPart, kernelStructOf } from "./kernel-fields.ts";
import { socketLayouts } from "./library/connect.ts";
import { packetObject } from "./library/packet.ts";
import { moduleFrame } from "./module-scope.ts";
import { handlerReturns } from "./returns.ts";
import { Scope } from "./scope.ts";
import type { Session } from "./session.ts";
import { evaluateStatements } from "./statements/evaluate.ts";
import { type ProgramValue, poison, runtime, type Value } from "./values.ts";

/** Expands a program's handler, with everything that it calls. */
export function expandProgram(session: Session, name: string, value: ProgramValue): Program {
  const { declaration, scope } = value.handler;
  const emitter = new Emitter();
  const withVerdict = value.programKind !== "tracepoint" && value.programKind !== "btfTracepoint";
  const frame = moduleFrame(session, name).with({
    scope: new Scope(scope),
    emitter,
    routineKind: value.programKind,
    returns: handlerReturns(withVerdict),
    calls: [value.handler],
  });
  const { statements } = emitter.capture(() => {
    bindParameters(frame, value);
    expandBody(frame, declaration);
  });
  const at = session.at(value.node);
  const program = { name, kind: value.programKind, locals: emitter.locals, body: statements, at };
  return value.target === undefined ? program : { ...program, target: value.target };
}

function expandBody(frame: Frame, declaration: ts.FunctionLikeDeclaration): void {
  const { body } = declaration;
  if (!body) return;
  if (ts.isBlock(body)) {
    evaluateStatements(frame, body.statements);
    return;
  }
  const result = evaluate(frame, body);
  if (result.kind === "runtime" && result.expression.type.kind === "void")
    frame.emitter.emit({ kind: "expression", value: result.expression, at: frame.at(body) });
  else frame.state.returns?.leave(frame, result, body);
}

function bindParameters(frame: Frame, value: ProgramValue): void {
  const { parameters } = value.handler.declaration;
  const context =
    value.programKind === "btfTracepoint" ? contextOf(frame, `btf_trace_${value.target}`, value) : undefined;
  parameters.forEach((parameter, index) => {
    if (parameter.dotDotDotToken) {
      frame.fail(parameter, messages.unsupported("rest parameter of a handler", "Name the parameters."));
      return;
    }
    const given = context ? argument(frame, context, index, parameter) : single(frame, value, parameter, index);
    bindPattern(frame, parameter.name, given, { node: parameter, declaration: parameter });
  });
}

/** What the handler of a kind with one parameter gets. */
function single(frame: Frame, value: ProgramValue, parameter: ts.ParameterDeclaration, index: number): Value {
  if (index > 0) return poison;
  switch (value.programKind) {
    case "packet":
      return packetObject;
    case "cgroupConnect4":
    case "cgroupConnect6":
      return runtime(context(frame, refType("context", socketLayouts[value.programKind]), parameter));
    default: {
      const type = frame.checker.getTypeAtLocation(parameter);
      const struct = kernelStructOf(type, frame.checker);
      if (struct === undefined) return poison;
      const event = context(frame, refType("context", kernelLayout(struct)), parameter);
      return { ...runtime(event), kernelType: type };
    }
  }
}

/** A local that nothing sets: the program's context. */
function context(frame: Frame, type: RefType, node: ts.Node) {
  const at = frame.at(node);
  const local = frame.emitter.newLocal("context", type, at);
  return { kind: "local", local, type: type as Type, at } as const;
}

function contextOf(frame: Frame, struct: string, value: ProgramValue): Value {
  return runtime(context(frame, refType("context", kernelLayout(struct)), value.node));
}

/**
 * An argument of a BTF tracepoint, by its position: the kernel's type information (the function type btf_trace_NAME)
 * has no names for them.
 */
function argument(frame: Frame, event: Value, index: number, parameter: ts.ParameterDeclaration): Value {
  if (event.kind !== "runtime") return poison;
  const type = frame.checker.getTypeAtLocation(parameter);
  return kernelPart(frame, event, [String(index)], type, parameter);
}
