import type ts from "typescript";
import { operationNamed } from "../../../language/operations.ts";
import { messages } from "../../diagnostics.ts";
import type { Frame } from "../frame.ts";

/** How the kinds of programs are called. */
const kindNames: Readonly<Record<string, string>> = {
  packet: "packet",
  tracepoint: "tracepoint",
  btfTracepoint: "BTF tracepoint",
  cgroupConnect4: "connect",
  cgroupConnect6: "connect",
};

/** Reports an operation that this kind of program may not use. */
export function requireKind(frame: Frame, name: string, node: ts.Node): boolean {
  const kinds = operationNamed(name)?.kinds;
  const own = frame.state.programKind;
  if (!kinds || own === undefined || kinds.includes(own)) return true;
  frame.fail(node, messages.wrongProgramKind(name, kindNames[own] ?? own));
  return false;
}
