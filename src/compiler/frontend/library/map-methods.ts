import type ts from "typescript";
import { messages } from "../../diagnostics.ts";
import type { Layout } from "../../hir/layout.ts";
import { mapKinds } from "../../hir/map-kinds.ts";
import type { Expression, MapDeclaration } from "../../hir/tree.ts";
import { boolType, loadedType, optionalType, refType, type Type, verdictType, voidType } from "../../hir/types.ts";
import * as build from "../build.ts";
import { toLayout } from "../coerce.ts";
import type { Frame } from "../frame.ts";
import { type BuiltinValue, builtin, describe, type ObjectValue, poison, runtime, type Value } from "../values.ts";
import { values } from "./arguments.ts";
import { requireKind } from "./kinds.ts";
import { callbackMethods } from "./map-callbacks.ts";
import { packetObject } from "./packet.ts";

/** A declared map: what kernel code does with it. */
export function mapObject(map: MapDeclaration, index: number): ObjectValue {
  return {
    kind: "object",
    what: "a map",
    map: index,
    member: (_, name) => methods(map, index)[name],
  };
}

/** BPF_ANY, BPF_NOEXIST, BPF_EXIST */
const flags = { set: 0, insert: 1, update: 2 } as const;

function methods(map: MapDeclaration, index: number): Readonly<Record<string, BuiltinValue>> {
  const key = map.key!;
  const value = map.value!;
  const copy = value && (loadedType(value) ?? refType("local", value));
  const method = (
    name: string,
    wanted: readonly Layout[],
    result: Type,
    operation: string,
    constants?: readonly number[],
  ) => builtin(name, (frame, call) => mapOperation(frame, call, { operation, wanted, result, index, constants }));
  switch (mapKinds[map.kind].family) {
    case "keyed": {
      const write = (name: keyof typeof flags) => method(name, [key, value], boolType, "map.set", [flags[name]]);
      return {
        get: method("get", [key], optionalType(copy), "map.get"),
        ref: method("ref", [key], optionalType(refType("map", value)), "map.ref"),
        set: write("set"),
        insert: write("insert"),
        update: write("update"),
        delete: method("delete", [key], boolType, "map.delete"),
        ...callbackMethods(map, index),
      };
    }
    case "queue":
      return {
        push: method("push", [value], boolType, "queue.push"),
        pop: method("pop", [], optionalType(copy), "queue.pop"),
        peek: method("peek", [], optionalType(copy), "queue.peek"),
      };
    case "ring":
      if (map.packetBytes !== undefined)
        return { emitPacket: builtin("emitPacket", (frame, call) => emitPacket(frame, call, map, index)) };
      return { emit: method("emit", [value], boolType, "ring.emit") };
    case "device":
      return { redirect: method("redirect", [key], verdictType, "verdict.redirectMap") };
    case "program":
      return { tailCall: method("tailCall", [key], voidType, "program.tailCall") };
    default:
      return {};
  }
}

/** `ring.emitPacket(packet, event)`: there is one packet, which needs no argument of its own. */
function emitPacket(frame: Frame, call: ts.CallExpression, map: MapDeclaration, index: number): Value {
  if (!frame.inProgram) return frame.fail(call, messages.runtimeAtModuleScope("a map"));
  if (!requireKind(frame, "ring.emitPacket", call)) return poison;
  const [packet, given] = values(frame, call) ?? [];
  if (!packet || !given) return poison;
  if (packet !== packetObject) return frame.fail(call, messages.unexpectedValue("the packet", describe(packet)));
  const event = toLayout(frame, given, map.value!, call.arguments[1]!);
  return event
    ? runtime(build.operation("ring.emitPacket", [event], boolType, frame.at(call), { map: index }))
    : poison;
}

interface MapOperation {
  readonly operation: string;
  readonly wanted: readonly Layout[];
  readonly result: Type;
  readonly index: number;
  readonly constants: readonly number[] | undefined;
}

function mapOperation(frame: Frame, call: ts.CallExpression, wanted: MapOperation): Value {
  if (!frame.inProgram) return frame.fail(call, messages.runtimeAtModuleScope("a map"));
  if (!requireKind(frame, wanted.operation, call)) return poison;
  const given = values(frame, call);
  if (!given || given.length < wanted.wanted.length) return poison;
  const args: Expression[] = [];
  for (const [index, layout] of wanted.wanted.entries()) {
    const argument = toLayout(frame, given[index]!, layout, call.arguments[index]!);
    if (!argument) return poison;
    args.push(argument);
  }
  const { operation, result, index, constants } = wanted;
  const parts = constants ? { map: index, constants } : { map: index };
  return runtime(build.operation(operation, args, result, frame.at(call), parts));
}
