import ts from "typescript";
import { messages } from "../../diagnostics.ts";
import { maximumStatements } from "../emitter.ts";
import type { Frame } from "../frame.ts";
import { inline } from "../inline.ts";
import { convertCall } from "../library/scalars.ts";
import { inOrder, settle } from "../settle.ts";
import { describe, type FunctionValue, poison, type Value } from "../values.ts";
import { evaluate } from "./evaluate.ts";

/** Calls that make no statement, of functions on constants for one, multiply as well. */
const maximumCalls = 100_000;

export function call(frame: Frame, node: ts.CallExpression): Value {
  if (node.questionDotToken)
    return frame.fail(node, messages.unsupported("optional calls", "Test with `if` and call inside of it."));
  const callee = evaluate(frame, node.expression);
  switch (callee.kind) {
    case "builtin":
      return callee.call(frame, node);
    case "function":
      return callFunction(frame, callee, node);
    case "layout":
      return convertCall(frame, callee, node);
    case "poison":
      return poison;
    default:
      return frame.fail(node, messages.unexpectedValue("a function", describe(callee)));
  }
}

function callFunction(frame: Frame, callee: FunctionValue, node: ts.CallExpression): Value {
  const { session } = frame;
  if (++session.calls > maximumCalls) {
    if (session.calls === maximumCalls + 1) frame.fail(node, messages.unrolledTooFar(maximumCalls, "calls"));
    return poison;
  }
  if (frame.inProgram && frame.emitter.tooLarge) {
    if (frame.emitter.becomesTooLarge()) frame.fail(node, messages.unrolledTooFar(maximumStatements));
    return poison;
  }
  return inline(frame, callee, argumentValues(frame, node), node);
}

/** The arguments of a call, from left to right; each is calculated before the function begins. */
function argumentValues(frame: Frame, node: ts.CallExpression): readonly Value[] {
  const values = inOrder(
    frame,
    node.arguments.map((one) => () => evaluate(frame, ts.isSpreadElement(one) ? one.expression : one)),
    node,
  );
  return values.flatMap((value, index) => {
    const argument = node.arguments[index]!;
    if (!ts.isSpreadElement(argument)) return [frame.inProgram ? settle(frame, value, "argument", argument) : value];
    if (value.kind === "list") return value.items;
    return [frame.fail(argument, messages.unexpectedValue("a list of constants", describe(value)))];
  });
}
