import type ts from "typescript";
import { type OperationName, operations } from "../../../language/operations.ts";
import { messages } from "../../diagnostics.ts";
import { fibLookupBytes, sizeOf } from "../../hir/layout.ts";
import { tagProtocols } from "../../hir/tag-protocols.ts";
import { boolType, numberType, optionalType, refType, type Type, verdictType } from "../../hir/types.ts";
import * as build from "../build.ts";
import { toType } from "../coerce.ts";
import type { Frame } from "../frame.ts";
import { type BuiltinValue, builtin, describe, type ObjectValue, poison, runtime, type Value } from "../values.ts";
import { constantNumber, numbers, options, values } from "./arguments.ts";
import type { Library, LibraryEntry } from "./index.ts";
import { requireKind } from "./kinds.ts";
import { layoutOf } from "./layouts.ts";
import { programOf } from "./programs.ts";

export const packetLibrary: Library = {
  Pass: verdict("verdict.pass"),
  Drop: verdict("verdict.drop"),
  transmit: () => numberOperation("verdict.transmit", verdictType),
  redirect: () => numberOperation("verdict.redirect", verdictType),
  onPacket: () => builtin("onPacket", (frame, call) => programOf(frame, call, { programKind: "packet", handler: 0 })),
};

export function verdict(name: OperationName): LibraryEntry {
  return (frame, node) =>
    requireKind(frame, name, node) ? runtime(build.operation(name, [], verdictType, frame.at(node))) : poison;
}

/** An operation whose arguments are numbers; the table says how many. */
export function numberOperation(name: OperationName, result: Type): BuiltinValue {
  return builtin(name, (frame, call) => {
    if (!frame.inProgram) return frame.fail(call, messages.runtimeAtModuleScope(name));
    if (!requireKind(frame, name, call)) return poison;
    const args = numbers(frame, call, operations[name].args.length);
    return args ? runtime(build.operation(name, args, result, frame.at(call))) : poison;
  });
}

/** The parameter of a packet handler. */
export const packetObject: ObjectValue = {
  kind: "object",
  what: "the packet",
  member(frame, name, node) {
    const read = (operation: string, type: Type): Value =>
      runtime(build.operation(operation, [], type, frame.at(node)));
    switch (name) {
      case "length":
      case "ingressIfindex":
      case "queue":
      case "gsoSize":
      case "port":
        return read(`packet.${name}`, numberType);
      case "vlanTag":
      case "vlanProtocol":
        return read(`packet.${name}`, optionalType(numberType));
      case "at":
        return builtin("at", viewAt);
      case "setLength":
        return numberOperation("packet.setLength", boolType);
      case "pushVlan":
        return builtin("pushVlan", pushVlan);
      case "popVlan":
        return numberOperation("packet.popVlan", boolType);
      case "adjustRoom":
        return builtin("adjustRoom", adjustRoom);
      case "fibLookup":
        return builtin("fibLookup", fibLookup);
      case "replaceChecksum":
        return builtin("replaceChecksum", replaceChecksum);
      default:
        return undefined;
    }
  },
};

function viewAt(frame: Frame, call: ts.CallExpression): Value {
  const [offset, of] = values(frame, call) ?? [];
  const layout = of && layoutOf(frame, of, call.arguments[1] ?? call);
  const position = offset && toType(frame, offset, numberType, call.arguments[0]!);
  if (!layout || !position) return poison;
  const type = optionalType(refType("packet", layout));
  return runtime(build.operation("packet.at", [position], type, frame.at(call), { layout }));
}

function adjustRoom(frame: Frame, call: ts.CallExpression): Value {
  const [given] = values(frame, call) ?? [];
  const delta = given && constantNumber(frame, given, "the number of bytes", call);
  if (delta === undefined) return poison;
  if (delta === 0 || Math.abs(delta) > 256)
    return frame.fail(call, messages.constantRange(String(delta), "1 to 256 bytes"));
  return runtime(build.operation("packet.adjustRoom", [], boolType, frame.at(call), { constants: [delta] }));
}

/** TypeScript's types say which protocols there are. */
function pushVlan(frame: Frame, call: ts.CallExpression): Value {
  const [given, type] = values(frame, call) ?? [];
  const tag = given && toType(frame, given, numberType, call.arguments[0]!);
  if (!tag) return poison;
  const isGiven = type !== undefined && type.kind !== "undefined";
  const protocol = isGiven ? constantNumber(frame, type, "the protocol", call) : tagProtocols.customer;
  if (protocol === undefined) return poison;
  return runtime(build.operation("packet.pushVlan", [tag], boolType, frame.at(call), { constants: [protocol] }));
}

function replaceChecksum(frame: Frame, call: ts.CallExpression): Value {
  const given = values(frame, call);
  const record = given && options(frame, given[3], call);
  if (!record) return poison;
  const args = given.slice(0, 3).map((value, index) => toType(frame, value, numberType, call.arguments[index]!));
  const size = constantNumber(frame, record.members.get("size"), '"size"', call);
  const layer = constantNumber(frame, record.members.get("layer"), '"layer"', call);
  const flags = ["pseudoHeader", "zeroMeansNone"].map((name) => flag(frame, record.members.get(name), name, call));
  if (!args.every((one) => one !== undefined) || flags.includes(undefined)) return poison;
  if (size === undefined || layer === undefined) return poison;
  const constants = [size, layer, ...(flags as number[])];
  return runtime(build.operation("packet.replaceChecksum", args, boolType, frame.at(call), { constants }));
}

/** BPF_FIB_LOOKUP_DIRECT, _OUTPUT and _SKIP_NEIGH, include/uapi/linux/bpf.h. */
const lookupFlags = { direct: 1, output: 2, skipNeighbour: 4 } as const;

function fibLookup(frame: Frame, call: ts.CallExpression): Value {
  if (!requireKind(frame, "packet.fibLookup", call)) return poison;
  const [target, given] = values(frame, call) ?? [];
  const place = target && localLookup(frame, target, call);
  const record = given && options(frame, given, call);
  if (!place || (given && !record)) return poison;
  const flags = Object.entries(lookupFlags).map(([name, bit]) => {
    const chosen = flag(frame, record?.members.get(name), name, call);
    return chosen === undefined ? undefined : chosen * bit;
  });
  if (flags.includes(undefined)) return poison;
  const constants = [(flags as number[]).reduce((all, one) => all + one, 0)];
  return runtime(build.operation("packet.fibLookup", [place], numberType, frame.at(call), { constants }));
}

function localLookup(frame: Frame, value: Value, node: ts.Node) {
  const expression = value.kind === "runtime" ? value.expression : undefined;
  const type = expression?.type;
  if (type?.kind === "ref" && type.region === "local" && sizeOf(type.layout) === fibLookupBytes) return expression;
  frame.fail(node, messages.unexpectedValue("a FibLookup of this program", describe(value)));
  return undefined;
}

function flag(frame: Frame, value: Value | undefined, name: string, node: ts.Node): number | undefined {
  if (!value || value.kind === "undefined") return 0;
  if (value.kind === "constant" && value.type === "bool") return Number(value.value);
  if (value.kind !== "poison") frame.fail(node, messages.notConstant(`"${name}"`));
  return undefined;
}
