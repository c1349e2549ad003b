import { isScalar, type ScalarLayout, sizeOf } from "../layout.ts";
import type { Position } from "../position.ts";
import type { Callback, ForStatement, Statement, SwitchStatement } from "../tree.ts";
import { limitsOf } from "../types.ts";
import { evaluate } from "./expressions.ts";
import type { Machine } from "./machine.ts";
import { fitsLayout, writeScalar } from "./memory.ts";
import { InterpreterTrap } from "./trap.ts";
import { asBoolean, asInteger, asMemory, type MemoryReference, type Value } from "./values.ts";

/** How a list of statements ended; undefined: at its end. */
export type Completion =
  | { readonly kind: "break" | "continue"; readonly label: number }
  | { readonly kind: "return"; readonly value: Value };

/** Runs a callback with a key and a live value. */
export function runCallback(machine: Machine, callback: Callback, key: Uint8Array, value: Uint8Array): void {
  machine.inCallback(callback, key, value, () => {
    const done = runBody(callback.body, machine);
    if (done && done.kind !== "return") throw new InterpreterTrap("a jump out of the callback", callback.at);
  });
}

type Rules = {
  readonly [K in Statement["kind"]]: (
    node: Extract<Statement, { readonly kind: K }>,
    machine: Machine,
  ) => Completion | undefined;
};

export function runBody(body: readonly Statement[], machine: Machine): Completion | undefined {
  for (const statement of body) {
    machine.step(statement.at);
    const done = (rules[statement.kind] as (node: Statement, machine: Machine) => Completion | undefined)(
      statement,
      machine,
    );
    if (done) return done;
  }
  return undefined;
}

const rules: Rules = {
  let(node, machine) {
    if (node.value) setLocal(machine, node.local, evaluate(node.value, machine), node.at);
    else initialise(machine, node.local);
    return undefined;
  },
  assign(node, machine) {
    setLocal(machine, node.local, evaluate(node.value, machine), node.at);
    return undefined;
  },
  store(node, machine) {
    const target = evaluate(node.target, machine);
    const value = evaluate(node.value, machine);
    storeScalar(asMemory(target, node.at), value, node.at);
    return undefined;
  },
  copy(node, machine) {
    const target = evaluate(node.target, machine);
    const source = evaluate(node.source, machine);
    copyBytes(asMemory(target, node.at), asMemory(source, node.at));
    return undefined;
  },
  expression(node, machine) {
    evaluate(node.value, machine);
    return undefined;
  },
  if: (node, machine) =>
    runBody(asBoolean(evaluate(node.test, machine), node.at) ? node.then : node.otherwise, machine),
  switch: runSwitch,
  for: runFor,
  block: (node, machine) => leave(runBody(node.body, machine), node.label),
  break: (node) => ({ kind: "break", label: node.label }),
  continue: (node) => ({ kind: "continue", label: node.label }),
  return: (node, machine) => ({ kind: "return", value: node.value && evaluate(node.value, machine) }),
  lock(node, machine) {
    asMemory(evaluate(node.lock, machine), node.at);
    return runBody(node.body, machine);
  },
};

/** A break of this label ends here. */
function leave(done: Completion | undefined, label: number): Completion | undefined {
  return done?.kind === "break" && done.label === label ? undefined : done;
}

function initialise(machine: Machine, local: number): void {
  const { type } = machine.routine.locals[local]!;
  if (type.kind === "optional") machine.writeLocal(local, undefined);
  else if (type.kind === "bool") machine.writeLocal(local, false);
  else if (type.kind === "ref" || type.kind === "verdict") machine.clearLocal(local);
  else machine.writeLocal(local, 0n);
}

function setLocal(machine: Machine, index: number, value: Value, at: Position): void {
  const { width, name } = machine.routine.locals[index]!;
  if (width !== undefined && typeof value === "bigint") {
    const [low, high] = limitsOf(width);
    if (value < low || value > high) throw new InterpreterTrap(`${value} does not fit ${width} "${name}"`, at);
  }
  machine.writeLocal(index, value);
}

/** The regions that a program may write to. */
const writable: ReadonlySet<string> = new Set(["packet", "map", "local", "record"]);

function storeScalar(target: MemoryReference, value: Value, at: Position): void {
  if (!writable.has(target.region)) throw new InterpreterTrap(`a write to ${target.region} memory`, at);
  if (!isScalar(target.layout)) throw new InterpreterTrap("a scalar store to an aggregate", at);
  writeScalar(target.storage.bytes, target.offset, target.layout, fitting(target.layout, value, at));
}

/** The value, when a scalar layout of up to 32 bits can hold it. u64 and i64 have no other values. */
export function fitting(layout: ScalarLayout, value: Value, at: Position): bigint | boolean {
  if (typeof value === "boolean") return value;
  const number = asInteger(value, at);
  if (!fitsLayout(layout, number)) throw new InterpreterTrap(`${number} does not fit where it is written to`, at);
  return number;
}

export function copyBytes(target: MemoryReference, source: MemoryReference): void {
  const size = sizeOf(source.layout);
  const bytes = source.storage.bytes.slice(source.offset, source.offset + size);
  target.storage.bytes.set(bytes, target.offset);
}

function runSwitch(node: SwitchStatement, machine: Machine): Completion | undefined {
  const value = asInteger(evaluate(node.value, machine), node.at);
  const chosen = node.cases.find((one) => one.values.includes(value));
  return leave(runBody(chosen ? chosen.body : node.otherwise, machine), node.label);
}

function runFor(node: ForStatement, machine: Machine): Completion | undefined {
  const from = asInteger(evaluate(node.from, machine), node.at);
  const to = asInteger(evaluate(node.to, machine), node.at);
  for (let counter = from; counter < to; counter += BigInt(node.step)) {
    machine.step(node.at);
    setLocal(machine, node.local, counter, node.at);
    const done = runBody(node.body, machine);
    if (done?.kind === "continue" && done.label === node.label) continue;
    if (done) return leave(done, node.label);
  }
  return undefined;
}
