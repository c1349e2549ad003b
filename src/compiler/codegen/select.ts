import type { AtomicOperation, JumpOperation } from "../../bytecode/opcode.ts";
import type { Graph } from "../ir/graph.ts";
import type { AtomicOp, CompareOp, Edge, Instruction, Terminator, Value, Width } from "../ir/ir.ts";
import { Facts, fitsImmediate } from "./facts.ts";
import {
  type CallTarget,
  type MachineBlock,
  type MachineEdge,
  type MachineFunction,
  type MachineTerminator,
  type Operand,
  virtual,
} from "./machine.ts";
import { extendSign, selectBinary, selectUnary } from "./select-arithmetic.ts";
import { Selection } from "./selection.ts";
import type { Target } from "./target.ts";

/**
 * Chooses machine instructions for a function: constants become immediates, constant address steps displacements,
 * values that are cheap to make anew are made where they are used, and what the target lacks is made out of what it
 * has. Blocks come out in the order of `order`.
 */
export function select(graph: Graph, order: readonly number[], target: Target): MachineFunction {
  const { fn } = graph;
  const selection = new Selection(new Facts(graph), target, fn.valueCount);
  const blocks = order.map((id): MachineBlock => {
    const block = graph.blocks[id]!;
    for (const instruction of block.instructions) selectInstruction(selection, instruction);
    const terminator = selectTerminator(selection, block.terminator);
    return { id, parameters: block.parameters, instructions: selection.takeBlock(), terminator };
  });
  return {
    name: fn.name,
    parameters: fn.parameters,
    blocks,
    blockCount: fn.blockCount,
    registerCount: selection.registerCount,
    wholeWordSlots: selection.slotsWithUnknownValues,
  };
}

function selectInstruction(s: Selection, i: Instruction): void {
  switch (i.kind) {
    case "const":
    case "mapAddress":
    case "mapValueAddress":
    case "functionAddress":
    case "slotAddress":
    case "hiddenZero":
      return;
    case "binary":
      selectBinary(s, i);
      return;
    case "unary":
      selectUnary(s, i);
      return;
    case "address":
      selectAddress(s, i);
      return;
    case "load":
      selectLoad(s, i);
      return;
    case "store":
      selectStore(s, i);
      return;
    case "atomic":
      selectAtomic(s, i);
      return;
    case "callHelper":
      selectCall(s, i, { kind: "helper", id: i.helper });
      return;
    case "callKfunc":
      selectCall(s, i, { kind: "kfunc", name: i.name });
      return;
    case "callFunction":
      selectCall(s, i, { kind: "function", name: i.callee });
  }
}

function selectAddress(s: Selection, i: Extract<Instruction, { kind: "address" }>): void {
  const { facts } = s;
  if (facts.rematerial(i.result)) return;
  const step = facts.addressStep(i.result);
  if (!step) {
    const right = s.operand64(i.index, i.at);
    const left = facts.source(i.base);
    s.add({ kind: "alu", op: "add", width: 64, result: i.result, left, right, isAddress: true, at: i.at });
    return;
  }
  // Only used inside of displacements: they start from its base.
  if (!facts.isPlain(i.result)) return;
  let { base, offset } = step;
  for (let next = facts.addressStep(base); next && !facts.isPlain(base); next = facts.addressStep(base)) {
    base = next.base;
    offset += next.offset;
  }
  const right = s.step(offset, i.at);
  s.add({ kind: "alu", op: "add", width: 64, result: i.result, left: virtual(base), right, at: i.at });
}

function selectLoad(s: Selection, i: Extract<Instruction, { kind: "load" }>): void {
  const { base, offset } = s.place(i.base, i.offset, i.at);
  const { size, at } = i;
  // The kernel rewrites loads of context fields and knows no sign-extending form of them.
  if (i.signed && size !== 8 && (s.target.isa < 4 || i.region === "context")) {
    const raw = s.newRegister();
    s.add({ kind: "load", result: raw, size, signed: false, base, offset, at });
    extendSign(s, (size * 8) as 8 | 16 | 32, raw, i.result, at);
    return;
  }
  s.add({ kind: "load", result: i.result, size, signed: i.signed, base, offset, at });
}

function selectStore(s: Selection, i: Extract<Instruction, { kind: "store" }>): void {
  const { base, offset } = s.place(i.base, i.offset, i.at);
  const hidden = base.kind === "frame" && s.needsUnknownValues(base.slot);
  const source = hidden ? unknownOperand(s, i) : storedOperand(s, i);
  s.add({ kind: "store", size: i.size, base, offset, source, at: i.at });
}

/** The value in a register of which the verifier knows nothing. */
function unknownOperand(s: Selection, { value, size, at }: Extract<Instruction, { kind: "store" }>): Operand {
  const result = s.newRegister();
  const source = s.register(s.facts.lowBits(value, size * 8), at);
  s.add({ kind: "inPlace", op: "forget", result, source, at });
  return virtual(result);
}

/** An immediate where the store instruction has one, but not to the context, where old kernels refuse it. */
function storedOperand(s: Selection, i: Extract<Instruction, { kind: "store" }>): Operand {
  const value = s.facts.lowBits(i.value, i.size * 8);
  const constant = s.facts.constant(value);
  if (constant === undefined || i.region === "context") return virtual(s.register(value, i.at));
  if (i.size === 8) return s.operand64(value, i.at);
  const low = BigInt.asUintN(i.size * 8, constant);
  return { kind: "constant", value: Number(BigInt.asIntN(32, low)) };
}

const atomicOperations: Readonly<Record<AtomicOp, AtomicOperation>> = {
  add: "add",
  and: "and",
  or: "or",
  xor: "xor",
  fetchAdd: "fetch_add",
  fetchAnd: "fetch_and",
  fetchOr: "fetch_or",
  fetchXor: "fetch_xor",
  xchg: "xchg",
  cmpxchg: "cmpxchg",
};

function selectAtomic(s: Selection, i: Extract<Instruction, { kind: "atomic" }>): void {
  const { base, offset } = s.place(i.base, i.offset, i.at);
  const value = s.register(i.value, i.at);
  const op = atomicOperations[i.op];
  s.add({
    kind: "atomic",
    op,
    size: i.size,
    base,
    offset,
    value,
    ...(i.expected === undefined ? {} : { expected: s.facts.source(i.expected) }),
    ...(i.result === undefined ? {} : { result: i.result }),
    at: i.at,
  });
}

function selectCall(
  s: Selection,
  i: Extract<Instruction, { kind: "callHelper" | "callKfunc" | "callFunction" }>,
  target: CallTarget,
): void {
  const args = i.args.map((value) => s.facts.source(value));
  s.add({ kind: "call", target, args, result: i.result, at: i.at });
}

function selectTerminator(s: Selection, t: Terminator): MachineTerminator {
  const edge = (to: Edge): MachineEdge => ({
    block: to.block,
    args: to.args.map((value) => s.facts.source(value)),
  });
  switch (t.kind) {
    case "jump":
      return { kind: "jump", to: edge(t.to), at: t.at };
    case "mayGoto":
      return { kind: "mayGoto", then: edge(t.then), otherwise: edge(t.otherwise), at: t.at };
    case "return":
      return { kind: "return", source: s.facts.source(t.value), at: t.at };
    case "branch": {
      const { op, width, left, right } = compare(s, t);
      const [then, otherwise] = [edge(t.then), edge(t.otherwise)];
      const branch: MachineTerminator = { kind: "branch", op, width, left, right, then, otherwise, at: t.at };
      return t.likely === undefined ? branch : { ...branch, likely: t.likely };
    }
  }
}

const jumpOperations: Readonly<Record<CompareOp, JumpOperation>> = {
  eq: "eq",
  ne: "ne",
  ult: "lt",
  ule: "le",
  ugt: "gt",
  uge: "ge",
  slt: "slt",
  sle: "sle",
  sgt: "sgt",
  sge: "sge",
  test: "set",
};

const swapped: Readonly<Record<CompareOp, CompareOp>> = {
  eq: "eq",
  ne: "ne",
  ult: "ugt",
  ule: "uge",
  ugt: "ult",
  uge: "ule",
  slt: "sgt",
  sle: "sge",
  sgt: "slt",
  sge: "sle",
  test: "test",
};

interface Comparison {
  readonly op: JumpOperation;
  readonly width: Width;
  readonly left: number;
  readonly right: Operand;
}

function compare(s: Selection, t: Extract<Terminator, { kind: "branch" }>): Comparison {
  const swap = s.facts.constant(t.left) !== undefined && s.facts.constant(t.right) === undefined;
  const op = swap ? swapped[t.op] : t.op;
  const [left, right] = swap ? [t.right, t.left] : [t.left, t.right];
  const width = comparisonWidth(s, t, op, left, right);
  return {
    op: jumpOperations[op],
    width,
    left: s.register(left, t.at),
    right: width === 32 ? s.operand32(right, t.at) : s.operand64(right, t.at),
  };
}

/**
 * A constant of 2^31..2^32-1 fits only a 32-bit comparison, which says the same when the other side has no upper half.
 * Otherwise the 64-bit form stays: it is the one that the verifier learns the most from on all kernels.
 */
function comparisonWidth(
  s: Selection,
  t: Extract<Terminator, { kind: "branch" }>,
  op: CompareOp,
  left: Value,
  right: Value,
): Width {
  const constant = s.facts.constant(right);
  if (t.width === 32 || constant === undefined || fitsImmediate(constant) || constant > 0xffff_ffffn) return t.width;
  const signed = op === "slt" || op === "sle" || op === "sgt" || op === "sge";
  return !signed && s.facts.bits(left) <= 32 ? 32 : 64;
}
