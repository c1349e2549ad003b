import { type ArgumentShape, type Operation, operationNamed, type ResultShape } from "../../../language/operations.ts";
import { sameLayout, sameType } from "../equality.ts";
import { emptyInterface, metadataType } from "../interface.ts";
import { fibLookupBytes, type Layout, sizeOf } from "../layout.ts";
import { mapKinds } from "../map-kinds.ts";
import { ruleField } from "../settings-tree.ts";
import { isTagProtocol } from "../tag-protocols.ts";
import type { CallbackKind, MapDeclaration, OperationExpression } from "../tree.ts";
import {
  boolType,
  loadedType,
  numberType,
  optionalType,
  type RefType,
  refType,
  type ScalarType,
  type Type,
  u64Type,
  verdictType,
  voidType,
} from "../types.ts";
import { callbackFault, hasTimer } from "./callbacks.ts";
import { type Scope, showType } from "./scope.ts";
import { type Path, under } from "./shape.ts";

/** What the compile-time constants of operations may be, by their name in the table. */
const constantLimits: Readonly<Record<string, (value: number, call: Call) => boolean>> = {
  delta: (value) => value !== 0 && Math.abs(value) <= 256,
  size: (value) => value === 2 || value === 4,
  layer: (value) => value === 3 || value === 4,
  pseudoHeader: (value) => value === 0 || value === 1,
  zeroMeansNone: (value) => value === 0 || value === 1,
  /** BPF_ANY, BPF_NOEXIST, BPF_EXIST. */
  flags: (value) => value >= 0 && value <= 2,
  /** BPF_FIB_LOOKUP_DIRECT, _OUTPUT, _SKIP_NEIGH together. */
  lookupFlags: (value) => value >= 0 && value <= 7,
  setting: (value) => value >= 0,
  field: (value) => value >= 0,
  reason: (value, { node, scope }) => {
    const { dropReasons, puntReasons } = scope.module.interface ?? emptyInterface;
    return value >= 0 && (node.operation === "verdict.punt" ? value < puntReasons.length : value <= dropReasons.length);
  },
  protocol: isTagProtocol,
  excludeIngress: (value) => value === 0 || value === 1,
  side: (value) => value === 0 || value === 1,
  slot: (value, { scope }) => scope.module.interface?.metadata[value] !== undefined,
  /** `misfit` holds it against the module's. */
  callback: (value) => value >= 0,
};

/** The callbacks that operations hand over. */
const callbackKinds: Readonly<Record<string, CallbackKind>> = { "timer.start": "timer", "map.forEach": "element" };

interface Call {
  readonly node: OperationExpression;
  readonly operation: Operation;
  readonly map: MapDeclaration | undefined;
  readonly path: Path;
  readonly scope: Scope;
}

/** Holds an operation (whose arguments are typed already) against its row in the table of operations. */
export function typeOperation(node: OperationExpression, path: Path, scope: Scope): void {
  const operation = operationNamed(node.operation);
  if (!operation) {
    scope.report.add(path, `no operation "${node.operation}"`);
    return;
  }
  const map = mapOf(node, operation, path, scope);
  const call: Call = { node, operation, map, path, scope };
  if (operation.map && !map) return;
  if (operation.layout && !node.layout) {
    scope.report.add(path, `${node.operation} needs a layout`);
    return;
  }
  if (!operation.layout && node.layout) scope.report.add(path, `${node.operation} takes no layout`);
  checkConstants(call);
  const packets = node.operation === "ring.emitPacket";
  if (operation.map === "ring" && packets !== (map?.packetBytes !== undefined))
    scope.report.add(path, `events of "${map?.name}" come ${packets ? "without" : "with"} packets`);
  const unfit = map && misfit(call, map);
  if (unfit) scope.report.add(path, `${node.operation}: ${unfit}`);
  if (node.args.length !== operation.args.length) {
    scope.report.add(path, `${node.operation} takes ${operation.args.length} arguments, got ${node.args.length}`);
    return;
  }
  operation.args.forEach((shape, index) => {
    const fault = argumentFault(call, shape, node.args[index]!.type);
    if (fault) scope.report.add(under(under(path, "args"), index), `${node.operation} wants ${fault}`);
  });
  const result = resultType(call, operation.result);
  if (!result || !sameType(node.type, result))
    scope.report.add(
      path,
      `${node.operation} gives ${result ? showType(result) : "nothing"}, not ${showType(node.type)}`,
    );
}

function mapOf(node: OperationExpression, operation: Operation, path: Path, scope: Scope): MapDeclaration | undefined {
  if (!operation.map) {
    if (node.map !== undefined) scope.report.add(path, `${node.operation} works on no map`);
    return undefined;
  }
  const map = node.map === undefined ? undefined : scope.module.maps[node.map];
  if (!map) scope.report.add(under(path, "map"), `no map ${node.map ?? ""}`);
  else if (mapKinds[map.kind].family !== operation.map)
    scope.report.add(path, `${node.operation} does not serve maps of kind ${map.kind} ("${map.name}")`);
  else return map;
  return undefined;
}

function checkConstants(call: Call): void {
  const { node, operation, path, scope } = call;
  const names = operation.constants ?? [];
  const given = node.constants ?? [];
  if (given.length !== names.length) {
    scope.report.add(path, `${node.operation} takes ${names.length} constants, got ${given.length}`);
    return;
  }
  names.forEach((name, index) => {
    if (!constantLimits[name]?.(given[index]!, call))
      scope.report.add(
        under(under(path, "constants"), index),
        `${name} of ${node.operation} may not be ${given[index]}`,
      );
  });
}

/** What is wrong with the map or the callback of an operation that has to do with timers or iteration. */
function misfit({ node, scope }: Call, map: MapDeclaration): string | undefined {
  if (node.operation.startsWith("timer.") && !hasTimer(map)) return `the values of "${map.name}" have no timer`;
  if (node.operation === "map.forEach" && !mapKinds[map.kind].forEach) return `a ${map.kind} cannot be gone over`;
  const kind = callbackKinds[node.operation];
  return kind && callbackFault(scope.module, node.constants?.[0] ?? 0, { kind, map: node.map! });
}

/** What an argument should have been; undefined when it fits. */
function argumentFault(call: Call, shape: ArgumentShape, got: Type): string | undefined {
  switch (shape) {
    case "number":
    case "u64":
    case "bool":
      return got.kind === shape ? undefined : `a ${shape}, got ${showType(got)}`;
    case "ref":
      return got.kind === "ref" ? undefined : `a reference, got ${showType(got)}`;
    case "ref packet":
    case "ref map":
    case "ref local":
      return got.kind === "ref" && shape === `ref ${got.region}` ? undefined : `a ${shape.slice(4)} reference`;
    case "fibLookup": {
      const fits = got.kind === "ref" && got.region === "local" && sizeOf(got.layout) === fibLookupBytes;
      return fits ? undefined : `a local reference to ${fibLookupBytes} bytes`;
    }
    case "mapValue": {
      const fits =
        got.kind === "ref" && got.region === "map" && call.map?.value && sameLayout(got.layout, call.map.value);
      return fits ? undefined : "a live value of its map";
    }
    case "key":
      return dataFault(call.map?.key, got);
    case "value":
      return call.map?.value ? dataFault(call.map.value, got) : got.kind === "ref" ? undefined : "a reference";
    case "atomic":
      return got.kind === "ref" && got.layout.kind === "integer" ? undefined : "a reference to an integer";
    case "atomicValue": {
      const wanted = atomicType(call);
      return wanted && sameType(got, wanted) ? undefined : `a ${wanted?.kind ?? "number"}, got ${showType(got)}`;
    }
    case "metadata": {
      const wanted = slotType(call);
      return wanted && sameType(got, wanted) ? undefined : `a ${wanted?.kind ?? "value"}, got ${showType(got)}`;
    }
  }
}

function dataFault(layout: Layout | undefined, got: Type): string | undefined {
  if (!layout) return "what this map does not have";
  const scalar = loadedType(layout);
  if (scalar) return sameType(got, scalar) ? undefined : `a ${scalar.kind}, got ${showType(got)}`;
  if (got.kind === "ref" && sameLayout(got.layout, layout)) return undefined;
  return `a reference to ${showType(refType("local", layout))}, got ${showType(got)}`;
}

function atomicType({ node }: Call): ScalarType | undefined {
  const target = node.args[0]?.type;
  return target?.kind === "ref" && target.layout.kind === "integer" ? loadedType(target.layout) : undefined;
}

function slotType({ node, scope }: Call): ScalarType | undefined {
  const slot = scope.module.interface?.metadata[node.constants?.[0] ?? -1];
  return slot && metadataType(slot);
}

function resultType(call: Call, shape: ResultShape): Type | undefined {
  const { node, map, scope } = call;
  switch (shape) {
    case "void":
      return voidType;
    case "bool":
      return boolType;
    case "verdict":
      return verdictType;
    case "u64":
      return u64Type;
    case "number u8":
    case "number u16":
    case "number u32":
      return numberType;
    case "atomicValue":
      return atomicType(call);
    case "optional packet":
      return node.layout && optionalType(refType("packet", node.layout));
    case "optional map":
      return map?.value && optionalType(refType("map", map.value));
    case "optional copy":
      return map?.value && optionalType(copyOf(map.value));
    case "optional number u16":
      return optionalType(numberType);
    case "local":
      return node.layout && refType("local", node.layout);
    case "metadata":
      return slotType(call);
    case "ruleIndex":
      return numberType;
    case "ruleField": {
      const [setting = 0, field = 0] = node.constants ?? [];
      return ruleField(scope.module.settings, setting, field)?.type;
    }
  }
}

/** What a copy of a value is: a scalar, or local storage. */
function copyOf(layout: Layout): ScalarType | RefType {
  return loadedType(layout) ?? refType("local", layout);
}
