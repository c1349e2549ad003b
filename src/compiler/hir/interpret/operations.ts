import type { OperationName } from "../../../language/operations.ts";
import { evaluateBinary, wrapTo } from "../arithmetic.ts";
import { type IntegerLayout, isScalar, type Layout, type ScalarLayout, sizeOf } from "../layout.ts";
import { packetRecord } from "../packet-record.ts";
import type { MapDeclaration, OperationExpression } from "../tree.ts";
import type { IntegerName } from "../types.ts";
import { hasTimer } from "../verify/callbacks.ts";
import { callbackOperations } from "./callbacks.ts";
import { evaluate, ruleFieldValue } from "./expressions.ts";
import { graphOperations } from "./graph-operations.ts";
import type { Machine } from "./machine.ts";
import { readScalar, scalarBytes, writeScalar } from "./memory.ts";
import { packetOperations } from "./packet-operations.ts";
import { fitting } from "./statements.ts";
import { TailCall } from "./tail-call.ts";
import { tracingOperations } from "./tracing-operations.ts";
import { InterpreterTrap } from "./trap.ts";
import { asInteger, asMemory, referenceToBytes, type Value } from "./values.ts";

/** One operation whose arguments are evaluated. */
export interface Call {
  readonly node: OperationExpression;
  readonly args: readonly Value[];
  readonly machine: Machine;
}

export type Rule = (call: Call) => Value;

export function runOperation(node: OperationExpression, machine: Machine): Value {
  const rule = Object.hasOwn(rules, node.operation) ? rules[node.operation as OperationName] : undefined;
  if (!rule) throw new InterpreterTrap(`no operation "${node.operation}"`, node.at);
  return rule({ node, args: node.args.map((argument) => evaluate(argument, machine)), machine });
}

export function integerArgument({ node, args }: Call, index: number): bigint {
  return asInteger(args[index], node.at);
}

/** The bytes of an argument that is a key, a value or an event. */
export function argumentBytes({ node, args }: Call, index: number, layout: Layout | undefined): Uint8Array {
  const value = args[index];
  if (layout && isScalar(layout)) return scalarBytes(layout, fitting(layout, value, node.at));
  const ref = asMemory(value, node.at);
  return ref.storage.bytes.slice(ref.offset, ref.offset + sizeOf(ref.layout));
}

/** A copy of a map's value: a scalar, or local storage. */
function copyOf(bytes: Uint8Array | undefined, layout: Layout): Value {
  if (!bytes) return undefined;
  return isScalar(layout) ? readScalar(bytes, 0, layout) : referenceToBytes("local", bytes.slice(), layout);
}

function onMap(call: Call) {
  return { ...call.machine.map(call.node.map, call.node.at), cpu: call.machine.cpu };
}

function key(call: Call): Uint8Array {
  return argumentBytes(call, 0, onMap(call).declaration.key);
}

/** A record with the packet; what it does not fill stays zero. */
function packetEvent(call: Call, declaration: MapDeclaration): Uint8Array {
  const record = packetRecord(declaration);
  if (!record) throw new InterpreterTrap("events without packets", call.node.at);
  const { bytes: packet } = call.machine.packet(call.node.at).storage;
  const captured = packet.subarray(0, declaration.packetBytes);
  const bytes = new Uint8Array(record.size);
  bytes.set(argumentBytes(call, 0, declaration.value));
  bytes.set(captured, record.packet);
  const view = new DataView(bytes.buffer);
  view.setUint32(record.length, packet.length, true);
  view.setUint32(record.captured, captured.length, true);
  return bytes;
}

/** What replaces or removes a value cancels the timer in it (bpf_obj_free_fields). */
function dropTimer(call: Call, change: () => boolean): boolean {
  const { store, declaration, cpu } = onMap(call);
  const before = hasTimer(declaration) ? store.lookup(key(call), cpu) : undefined;
  const changed = change();
  if (changed) call.machine.timers.drop(before);
  return changed;
}

const mapOperations = {
  "map.get"(call) {
    const { store, declaration, cpu } = onMap(call);
    return copyOf(store.lookup(key(call), cpu), declaration.value!);
  },
  "map.ref"(call) {
    const { store, declaration, cpu } = onMap(call);
    const bytes = store.lookup(key(call), cpu);
    return bytes && referenceToBytes("map", bytes, declaration.value!);
  },
  "map.set"(call) {
    const { store, declaration, cpu } = onMap(call);
    const value = argumentBytes(call, 1, declaration.value);
    return dropTimer(call, () => store.update(key(call), value, call.node.constants?.[0] ?? 0, cpu));
  },
  "map.delete": (call) => dropTimer(call, () => onMap(call).store.delete(key(call))),
  "queue.push": (call) => onMap(call).store.push(argumentBytes(call, 0, onMap(call).declaration.value)),
  "queue.pop": (call) => copyOf(onMap(call).store.pop(), onMap(call).declaration.value!),
  "queue.peek": (call) => copyOf(onMap(call).store.peek(), onMap(call).declaration.value!),
  "ring.emit"(call) {
    const { store, declaration } = onMap(call);
    const bytes = argumentBytes(call, 0, declaration.value);
    if (!store.emit(bytes)) return false;
    call.machine.events.push({ map: call.node.map!, bytes });
    return true;
  },
  "ring.emitPacket"(call) {
    const { store, declaration } = onMap(call);
    const bytes = packetEvent(call, declaration);
    if (!store.emit(bytes)) return false;
    call.machine.events.push({ map: call.node.map!, bytes });
    return true;
  },
  "program.tailCall"(call) {
    const slot = integerArgument(call, 0);
    const program = call.machine.input.tailCall?.(call.node.map!, Number(slot));
    if (program && call.machine.countTailCall()) throw new TailCall(program);
    return undefined;
  },
} satisfies Partial<Record<OperationName, Rule>>;

/** Applies a change to an atomic's integer and gives the old value. */
function atomic(call: Call, change: (old: bigint, name: IntegerName) => bigint | undefined): Value {
  const target = asMemory(call.args[0], call.node.at);
  const layout = target.layout as IntegerLayout & ScalarLayout;
  const name = `${layout.signed ? "i" : "u"}${layout.bits}` as IntegerName;
  const old = readScalar(target.storage.bytes, target.offset, layout) as bigint;
  const changed = change(old, name);
  if (changed !== undefined) writeScalar(target.storage.bytes, target.offset, layout, wrapTo(name, changed));
  return old;
}

function fetching(operator: "add" | "and" | "or" | "xor"): Rule {
  return (call) => atomic(call, (old) => evaluateBinary(operator, "i64", old, integerArgument(call, 1)));
}

const atomicOperations = {
  "atomic.add"(call) {
    fetching("add")(call);
    return undefined;
  },
  "atomic.fetchAdd": fetching("add"),
  "atomic.fetchAnd": fetching("and"),
  "atomic.fetchOr": fetching("or"),
  "atomic.fetchXor": fetching("xor"),
  "atomic.exchange": (call) => atomic(call, () => integerArgument(call, 1)),
  "atomic.compareExchange": (call) =>
    atomic(call, (old, name) =>
      old === wrapTo(name, integerArgument(call, 1)) ? integerArgument(call, 2) : undefined,
    ),
} satisfies Partial<Record<OperationName, Rule>>;

const environmentOperations = {
  "time.monotonic": ({ machine }) => machine.clock(),
  "time.coarse": ({ machine }) => machine.clock(),
  /** At 1000 ticks per second. */
  "time.jiffies": ({ machine }) => machine.clock() / 1_000_000n,
  "random.u32": ({ machine }) => machine.random(),
  "cpu.id": ({ machine }) => BigInt(machine.cpu),
  /** Here a rule goes by its index. */
  "rule.index": (call) => integerArgument(call, 0),
  "rule.field"(call) {
    const [setting = 0, field = 0] = call.node.constants ?? [];
    const { module, settings } = call.machine;
    const rule = Number(integerArgument(call, 0));
    const value = ruleFieldValue(module.settings, settings, { setting, field, rule });
    if (value === undefined) throw new InterpreterTrap(`no rule ${rule}`, call.node.at);
    return value;
  },
  "bytes.equal"(call) {
    const left = argumentBytes(call, 0, undefined);
    const right = argumentBytes(call, 1, undefined);
    return left.length === right.length && left.every((byte, index) => byte === right[index]);
  },
} satisfies Partial<Record<OperationName, Rule>>;

/** Every operation of the library; the compiler holds it complete. */
const rules: Readonly<Record<OperationName, Rule>> = {
  ...packetOperations,
  ...graphOperations,
  ...mapOperations,
  ...callbackOperations,
  ...atomicOperations,
  ...environmentOperations,
  ...tracingOperations,
};
