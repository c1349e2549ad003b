import type ts from "typescript";
import { messages } from "../../diagnostics.ts";
import { sameLayout } from "../../hir/equality.ts";
import { mapKinds } from "../../hir/map-kinds.ts";
import type { CallbackKind, Expression, MapDeclaration } from "../../hir/tree.ts";
import { boolType, u64Type, voidType } from "../../hir/types.ts";
import { hasTimer } from "../../hir/verify/callbacks.ts";
import * as build from "../build.ts";
import type { CallbackMap } from "../callbacks.ts";
import { toType } from "../coerce.ts";
import type { Frame } from "../frame.ts";
import { type BuiltinValue, builtin, describe, poison, runtime, type Value } from "../values.ts";
import { values } from "./arguments.ts";
import { requireKind } from "./kinds.ts";

/** What maps do that call back: iteration, and timers where their values hold one. */
export function callbackMethods(declaration: MapDeclaration, index: number): Readonly<Record<string, BuiltinValue>> {
  const map: CallbackMap = { declaration, index };
  return {
    ...(mapKinds[declaration.kind].forEach
      ? { forEach: builtin("forEach", (frame, call) => forEach(frame, call, map)) }
      : {}),
    ...(hasTimer(declaration)
      ? {
          startTimer: builtin("startTimer", (frame, call) => startTimer(frame, call, map)),
          cancelTimer: builtin("cancelTimer", (frame, call) => cancelTimer(frame, call, map)),
        }
      : {}),
  };
}

/** The evaluated arguments of an operation that may stand here. */
function argumentsOf(frame: Frame, call: ts.CallExpression, operation: string): readonly Value[] | undefined {
  if (!frame.inProgram) {
    frame.fail(call, messages.runtimeAtModuleScope("a map"));
    return undefined;
  }
  return requireKind(frame, operation, call) ? values(frame, call) : undefined;
}

function callbackOf(
  frame: Frame,
  value: Value | undefined,
  kind: CallbackKind,
  map: CallbackMap,
  node: ts.Node,
): number | undefined {
  if (value?.kind === "function") return frame.session.callbacks.indexOf(frame, value, kind, map, node);
  if (value && value.kind !== "poison") frame.fail(node, messages.unexpectedValue("a function", describe(value)));
  return undefined;
}

/** A live value of this map; which map it is of, the checker of HIR knows. */
function liveValue(frame: Frame, value: Value, { declaration }: CallbackMap, node: ts.Node): Expression | undefined {
  const type = value.kind === "runtime" ? value.expression.type : undefined;
  if (value.kind === "runtime" && type?.kind === "ref" && type.region === "map") {
    if (sameLayout(type.layout, declaration.value!)) return value.expression;
  }
  frame.fail(node, messages.unexpectedValue(`a live value of ${declaration.name}`, describe(value)));
  return undefined;
}

/** `map.forEach((key, value) => { ... })` */
function forEach(frame: Frame, call: ts.CallExpression, map: CallbackMap): Value {
  const [body] = argumentsOf(frame, call, "map.forEach") ?? [];
  const callback = callbackOf(frame, body, "element", map, call);
  if (callback === undefined) return poison;
  const parts = { map: map.index, constants: [callback] };
  return runtime(build.operation("map.forEach", [], voidType, frame.at(call), parts));
}

/** `map.startTimer(value, nanoseconds, (key, value) => { ... })` */
function startTimer(frame: Frame, call: ts.CallExpression, map: CallbackMap): Value {
  const [target, nanoseconds, body] = argumentsOf(frame, call, "timer.start") ?? [];
  if (!target || !nanoseconds) return poison;
  const value = liveValue(frame, target, map, call.arguments[0]!);
  const delay = toType(frame, nanoseconds, u64Type, call.arguments[1]!);
  const callback = callbackOf(frame, body, "timer", map, call);
  if (!value || !delay || callback === undefined) return poison;
  const parts = { map: map.index, constants: [callback] };
  return runtime(build.operation("timer.start", [value, delay], boolType, frame.at(call), parts));
}

/** `map.cancelTimer(value)` */
function cancelTimer(frame: Frame, call: ts.CallExpression, map: CallbackMap): Value {
  const [target] = argumentsOf(frame, call, "timer.cancel") ?? [];
  const value = target && liveValue(frame, target, map, call.arguments[0]!);
  if (!value) return poison;
  return runtime(build.operation("timer.cancel", [value], boolType, frame.at(call), { map: map.index }));
}
