import { isWrittenLocal, type Operation, operationNamed } from "../../language/operations.ts";
import { holdsOpaque } from "../hir/equality.ts";
import { portCount } from "../hir/interface.ts";
import { isScalar, sizeOf } from "../hir/layout.ts";
import { defaultMaxItems } from "../hir/settings.ts";
import { ruleField } from "../hir/settings-tree.ts";
import type { OperationExpression } from "../hir/tree.ts";
import type { NarrowInteger } from "../hir/types.ts";
import { armsItself } from "./arming.ts";
import type { Checker } from "./checker.ts";
import { checkFits, evaluate, layoutRange, unknownValue } from "./expressions.ts";
import { forgetFacts, knownPresence } from "./facts.ts";
import { armsOthers, copiesOpaque, mayNotFit, notAtomic, otherMap, portOutOfRange, wrongKind } from "./findings.ts";
import { contains, type Interval, interval, limits } from "./interval.ts";
import { checkReadable, checkWritable } from "./memory.ts";
import type { FlowValue } from "./state.ts";

/** What the number arguments of operations must be proven to be; absent: any number has a meaning. */
const argumentWidths: Readonly<Record<string, readonly NarrowInteger[]>> = {
  "verdict.redirect": ["u32"],
  "verdict.redirectMap": ["u32"],
  "packet.setLength": ["u16"],
  "packet.pushVlan": ["u16"],
  "verdict.flood": ["u16", "u16"],
  "verdict.redirectIngress": ["u32"],
  "verdict.deliverMap": ["u32"],
  "packet.cloneTo": ["u32"],
  "packet.cloneToHost": ["u32"],
  "program.tailCall": ["u32"],
};

/** Evaluates the arguments of an operation, holds them against its rules, and applies what it does to the packet. */
export function evaluateOperation(c: Checker, node: OperationExpression): FlowValue {
  const operation = operationNamed(node.operation);
  const values = node.args.map((argument) => evaluate(c, argument));
  if (!operation) return unknownValue(node.type);
  if (operation.kinds && !operation.kinds.includes(c.routine.kind))
    c.report(wrongKind(node.at, node.operation, c.routine.kind, operation.kinds));
  values.forEach((value, index) => {
    c.use(value, node.args[index]!.at);
    checkArgument(c, node, operation, index, value);
  });
  checkValueOf(c, node, operation);
  if (operation.args.some(isWrittenLocal)) forgetFacts(c.state, "local");
  if (operation.invalidatesPacket) {
    c.state.changePacket(node.at);
    forgetFacts(c.state, "length", "packet", "tag");
  }
  return resultOf(c, node, operation);
}

function checkArgument(
  c: Checker,
  node: OperationExpression,
  operation: Operation,
  index: number,
  value: FlowValue,
): void {
  const argument = node.args[index]!;
  const map = node.map === undefined ? undefined : c.module.maps[node.map];
  switch (operation.args[index]) {
    case "number":
      if (node.operation === "verdict.forward") checkPort(c, value, argument.at);
      if (node.operation === "verdict.flood" && index === 0) checkGroup(c, value, argument.at);
      checkWidth(c, value, widthOf(node, index), argument.at);
      return;
    case "metadata":
      checkWidth(c, value, slotWidth(c, node), argument.at);
      return;
    case "key":
    case "value": {
      const layout = operation.args[index] === "key" ? map?.key : map?.value;
      if (layout && isScalar(layout)) checkFits(c, value, layout, argument.at);
      else checkBytes(c, node, index);
      return;
    }
    case "ref":
      // The address alone is no access.
      if (node.operation !== "kernel.address") checkReadable(c, argument, argument.at);
      return;
    case "ref local":
    case "fibLookup":
      checkWritable(c, argument, argument.at);
      return;
    case "mapValue":
      if (value.map !== node.map) c.report(otherMap(argument.at, map?.name ?? ""));
      else if (armsItself(c.module, c.routine, node) && !value.own) c.report(armsOthers(argument.at));
      return;
    case "atomic":
      checkAtomic(c, node);
      return;
    case "atomicValue": {
      const target = node.args[0]!.type;
      if (target.kind === "ref" && isScalar(target.layout)) checkFits(c, value, target.layout, argument.at);
      return;
    }
    default:
  }
}

/** A key, a value or an event that is given by reference. Setting a value that holds a lock leaves the lock alone. */
function checkBytes(c: Checker, node: OperationExpression, index: number): void {
  const argument = node.args[index]!;
  const { type } = argument;
  const setsValue = node.operation === "map.set" && index === 1 && type.kind === "ref" && type.region === "local";
  if (!setsValue) checkReadable(c, argument, argument.at);
}

function widthOf(node: OperationExpression, index: number): NarrowInteger | undefined {
  if (node.operation !== "packet.replaceChecksum") return argumentWidths[node.operation]?.[index];
  if (index === 0) return "u16";
  return node.constants?.[0] === 4 ? "u32" : "u16";
}

function checkWidth(c: Checker, value: FlowValue, width: NarrowInteger | undefined, at: number): void {
  if (!width || !value.range) return;
  if (!contains(limits(width), value.range)) c.report(mayNotFit(at, value.range, width, limits(width)));
}

/** The integer that a metadata slot of up to 32 bits holds. */
function slotWidth(c: Checker, node: OperationExpression): NarrowInteger | undefined {
  const width = c.module.interface?.metadata[node.constants?.[0] ?? -1]?.width;
  return width === "bool" || width === "u64" ? undefined : width;
}

function checkPort(c: Checker, value: FlowValue, at: number): void {
  const count = portCount(c.module) ?? 0;
  if (!value.range) return;
  if (count === 0 || !contains(interval(0n, BigInt(count - 1)), value.range))
    c.report(portOutOfRange(at, value.range, count));
}

/** Groups are numbered within their function; VLANs fit. */
const groups = interval(0n, 4095n);

function checkGroup(c: Checker, value: FlowValue, at: number): void {
  if (value.range && !contains(groups, value.range))
    c.report(mayNotFit(at, value.range, "the number of a group", groups));
}

function checkAtomic(c: Checker, node: OperationExpression): void {
  const target = node.args[0]!.type;
  const fits =
    target.kind === "ref" &&
    target.region === "map" &&
    target.layout.kind === "integer" &&
    target.layout.bits >= 32 &&
    target.layout.order === "native";
  if (!fits) c.report(notAtomic(node.at));
}

/** A copy of a value that holds a lock or a timer. */
function checkValueOf(c: Checker, node: OperationExpression, operation: Operation): void {
  if (operation.result !== "optional copy" || node.map === undefined) return;
  const value = c.module.maps[node.map]?.value;
  if (value && holdsOpaque(value)) c.report(copiesOpaque(node.at));
}

function resultOf(c: Checker, node: OperationExpression, operation: Operation): FlowValue {
  const unknown = unknownValue(node.type);
  const presence = unknown.presence === "maybe" ? knownPresence(c.state, node) : unknown.presence;
  const range = resultRange(c, node, operation);
  const epoch = operation.result === "optional packet" ? { epoch: c.state.epoch } : {};
  const map = operation.result === "optional map" && node.map !== undefined ? { map: node.map } : {};
  return { ...unknown, presence, ...(range ? { range } : {}), ...epoch, ...map };
}

function resultRange(c: Checker, node: OperationExpression, operation: Operation): Interval | undefined {
  switch (operation.result) {
    case "number u8":
      return limits("u8");
    case "number u16":
    case "optional number u16":
      return limits("u16");
    case "number u32":
      return stringRange(node) ?? portRange(c, node) ?? limits("u32");
    case "metadata": {
      const width = slotWidth(c, node);
      return width && limits(width);
    }
    case "atomicValue": {
      const target = node.args[0]!.type;
      return target.kind === "ref" && isScalar(target.layout) ? layoutRange(target.layout) : undefined;
    }
    case "ruleIndex": {
      const list = c.module.settings[node.constants?.[0] ?? 0]?.type;
      const items = list?.kind === "list" ? (list.maxItems ?? defaultMaxItems) : defaultMaxItems;
      return interval(0n, BigInt(Math.max(items - 1, 0)));
    }
    case "ruleField": {
      const [setting = 0, field = 0] = node.constants ?? [];
      const declared = ruleField(c.module.settings, setting, field);
      return declared && interval(declared.low, declared.high);
    }
    case "optional copy": {
      const layout = node.map === undefined ? undefined : c.module.maps[node.map]?.value;
      return layout && isScalar(layout) ? layoutRange(layout) : undefined;
    }
    default:
      return undefined;
  }
}

/** A packet comes in on one of the instance's ports. */
function portRange(c: Checker, node: OperationExpression): Interval | undefined {
  const count = node.operation === "packet.port" ? portCount(c.module) : undefined;
  return count === undefined ? undefined : interval(0n, BigInt(count - 1));
}

/** Reading a string copies at most the destination's size. */
function stringRange(node: OperationExpression): Interval | undefined {
  const target = node.args[0]?.type;
  if (!node.operation.startsWith("kernel.read") || target?.kind !== "ref") return undefined;
  return interval(0n, BigInt(sizeOf(target.layout)));
}
