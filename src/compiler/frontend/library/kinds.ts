import type ts from "typescript";
import { operationNamed } from "../../../language/operations.ts";
import { messages } from "../../diagnostics.ts";
import type { RoutineKind } from "../../hir/tree.ts";
import type { Frame } from "../frame.ts";

/** How the kinds of programs and callbacks are called. */
const kindNames: Readonly<Record<RoutineKind, string>> = {
  packet: "a packet program",
  tracepoint: "a tracepoint program",
  btfTracepoint: "a BTF tracepoint program",
  cgroupConnect4: "a connect program",
  cgroupConnect6: "a connect program",
  timer: "the callback of a timer",
  element: "the callback of forEach",
};

/** Reports an operation that this kind of program or callback may not use. */
export function requireKind(frame: Frame, name: string, node: ts.Node): boolean {
  const kinds = operationNamed(name)?.kinds;
  const own = frame.state.routineKind;
  if (!kinds || own === undefined || kinds.includes(own)) return true;
  frame.fail(node, messages.wrongProgramKind(name, kindNames[own]));
  return false;
}
