import type ts from "typescript";
import { messages } from "../../diagnostics.ts";
import type { ProgramKind } from "../../hir/tree.ts";
import type { Frame } from "../frame.ts";
import { poison, type Value } from "../values.ts";
import { constantText, values } from "./arguments.ts";

interface Kind {
  readonly programKind: ProgramKind;
  /** Which argument is the handler; the one before it, if any, names the target. */
  readonly handler: number;
}

/** A declared program; its handler is expanded when the module's exports are gone through. */
export function programOf(frame: Frame, call: ts.CallExpression, { programKind, handler }: Kind): Value {
  if (frame.inProgram) return frame.fail(call, messages.misplaced("a program"));
  const given = values(frame, call);
  const body = given?.[handler];
  if (!given || !body) return poison;
  if (body.kind !== "function") return frame.fail(call, messages.handler());
  const program = { kind: "program", programKind, handler: body, node: call } as const;
  if (handler === 0) return program;
  const target = constantText(frame, given[0], "a tracepoint's name", call);
  return target === undefined ? poison : { ...program, target };
}
