import type ts from "typescript";
import type { OperationName } from "../../../language/operations.ts";
import { messages } from "../../diagnostics.ts";
import { numberType, refType, u64Type } from "../../hir/types.ts";
import * as build from "../build.ts";
import { toType } from "../coerce.ts";
import type { Frame } from "../frame.ts";
import { builtin, describe, poison, runtime, type Value } from "../values.ts";
import { values } from "./arguments.ts";
import type { Library, LibraryEntry } from "./index.ts";
import { requireKind } from "./kinds.ts";
import { numberOperation } from "./packet.ts";
import { programOf } from "./programs.ts";

export const tracingLibrary: Library = {
  onTracepoint: () =>
    builtin("onTracepoint", (frame, call) => programOf(frame, call, { programKind: "tracepoint", handler: 1 })),
  onKernelTracepoint: () =>
    builtin("onKernelTracepoint", (frame, call) =>
      programOf(frame, call, { programKind: "btfTracepoint", handler: 1 }),
    ),
  processId: () => numberOperation("process.id", numberType),
  threadId: () => numberOperation("process.threadId", numberType),
  userId: () => numberOperation("process.userId", numberType),
  cgroupId: () => numberOperation("process.cgroupId", u64Type),
  command: () => builtin("command", command),
  readKernelString: readString("kernel.readString"),
  readUserString: readString("kernel.readUserString"),
  addressOf: () => builtin("addressOf", addressOf),
};

/** TASK_COMM_LEN, include/linux/sched.h */
const commandLayout = { kind: "bytes", length: 16 } as const;

function command(frame: Frame, call: ts.CallExpression): Value {
  if (!frame.inProgram) return frame.fail(call, messages.runtimeAtModuleScope("a command name"));
  if (!requireKind(frame, "process.command", call)) return poison;
  const type = refType("local", commandLayout);
  return runtime(build.operation("process.command", [], type, frame.at(call), { layout: commandLayout }));
}

function readString(name: OperationName): LibraryEntry {
  return () =>
    builtin(name, (frame, call) => {
      if (!requireKind(frame, name, call)) return poison;
      const [target, address] = values(frame, call) ?? [];
      const place = target && localBytes(frame, target, call);
      const source = address && toType(frame, address, u64Type, call.arguments[1]!);
      if (!place || !source) return poison;
      return runtime(build.operation(name, [place, source], numberType, frame.at(call)));
    });
}

function localBytes(frame: Frame, value: Value, node: ts.Node) {
  const expression = value.kind === "runtime" ? value.expression : undefined;
  if (expression?.type.kind === "ref" && expression.type.region === "local" && expression.type.layout.kind === "bytes")
    return expression;
  frame.fail(node, messages.unexpectedValue("bytes of this program, such as a struct's field", describe(value)));
  return undefined;
}

function addressOf(frame: Frame, call: ts.CallExpression): Value {
  if (!requireKind(frame, "kernel.address", call)) return poison;
  const [object] = values(frame, call) ?? [];
  if (!object) return poison;
  if (object.kind !== "runtime" || object.expression.type.kind !== "ref")
    return frame.fail(call, messages.unexpectedValue("a kernel object", describe(object)));
  return runtime(build.operation("kernel.address", [object.expression], u64Type, frame.at(call)));
}
