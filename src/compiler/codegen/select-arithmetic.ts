import type { AluOperation } from "../../bytecode/opcode.ts";
import type { Position } from "../hir/position.ts";
import type { BinaryOp, Instruction, Value, Width } from "../ir/ir.ts";
import { fitsImmediate } from "./facts.ts";
import { immediate, type Operand, type Source, type VirtualRegister, virtual } from "./machine.ts";
import type { Selection } from "./selection.ts";

type Binary = Extract<Instruction, { kind: "binary" }>;
type Unary = Extract<Instruction, { kind: "unary" }>;

const aluOperations: Readonly<Record<BinaryOp, AluOperation>> = {
  add: "add",
  sub: "sub",
  mul: "mul",
  udiv: "div",
  umod: "mod",
  sdiv: "sdiv",
  smod: "smod",
  and: "and",
  or: "or",
  xor: "xor",
  shl: "lsh",
  lshr: "rsh",
  ashr: "arsh",
};

const commutative: ReadonlySet<BinaryOp> = new Set(["add", "mul", "and", "or", "xor"]);
const shifts: ReadonlySet<BinaryOp> = new Set(["shl", "lshr", "ashr"]);
const divisions: ReadonlySet<BinaryOp> = new Set(["udiv", "umod", "sdiv", "smod"]);

export function selectBinary(s: Selection, i: Binary): void {
  if ((i.op === "sdiv" || i.op === "smod") && s.target.isa < 4) {
    divideSigned(s, i);
    return;
  }
  const [left, right] = inOrder(s, i);
  const width = narrowed(s, i, left, right);
  if (
    width === 32 &&
    i.width === 64 &&
    !s.facts.isNarrowed(i) &&
    i.op === "and" &&
    s.facts.constant(right) === 0xffff_ffffn
  ) {
    const source = s.register(left, i.at);
    s.add({ kind: "convert", conversion: "zext32", result: i.result, source, at: i.at });
    return;
  }
  const constant = s.facts.constant(right);
  if (i.op === "add" && width === 64 && constant !== undefined && isFar(constant)) {
    addInTwo(s, i, left, constant);
    return;
  }
  s.add({
    kind: "alu",
    op: aluOperations[i.op],
    width,
    result: i.result,
    left: s.facts.source(left),
    right: rightOperand(s, i, width, right),
    at: i.at,
  });
}

/** From BPF_MAX_VAR_OFF (include/linux/bpf_verifier.h) to the greatest immediate. */
function isFar(addend: bigint): boolean {
  return addend >= 1n << 29n && addend < 1n << 31n;
}

/**
 * Verifiers since Linux 6.11 remember that a sum is so much more than a copy of its left side, and take that for an
 * offset which is too far when the sum is added to an address (BPF_ADD_CONST and check_reg_sane_offset,
 * kernel/bpf/verifier.c). They forget it at a second addition.
 */
function addInTwo(s: Selection, i: Binary, left: Value, constant: bigint): void {
  const most = s.newRegister();
  const first = { kind: "constant", value: Number(constant - 1n) } as const;
  s.add({ kind: "alu", op: "add", width: 64, result: most, left: s.facts.source(left), right: first, at: i.at });
  const rest = { kind: "constant", value: 1 } as const;
  s.add({ kind: "alu", op: "add", width: 64, result: i.result, left: virtual(most), right: rest, at: i.at });
}

/** A constant goes to the right, where it becomes an immediate. */
function inOrder(s: Selection, i: Binary): readonly [Value, Value] {
  const swap = commutative.has(i.op) && s.facts.rematerial(i.left) && !s.facts.rematerial(i.right);
  return swap ? [i.right, i.left] : [i.left, i.right];
}

/**
 * A 64-bit operation whose constant would need two slots is done in 32 bits where the upper halves are zero anyway:
 * `and` always, `or` and `xor` when the other side has no upper half.
 */
function narrowed(s: Selection, i: Binary, left: Value, right: Value): Width {
  const constant = s.facts.constant(right);
  if (s.facts.isNarrowed(i)) return 32;
  if (i.width === 32 || constant === undefined || fitsImmediate(constant) || constant > 0xffff_ffffn) return i.width;
  if (i.op === "and") return 32;
  return (i.op === "or" || i.op === "xor") && s.facts.bits(left) <= 32 ? 32 : 64;
}

function rightOperand(s: Selection, i: Binary, width: Width, right: Value): Operand {
  const constant = s.facts.constant(right);
  if (constant === undefined) return virtual(s.register(right, i.at));
  // The kernel refuses shifts by the width or more as immediates; in a register the machine takes the count modulo it.
  if (shifts.has(i.op)) return { kind: "constant", value: Number(constant & BigInt(width - 1)) };
  const low = width === 32 ? BigInt.asUintN(32, constant) : constant;
  // It refuses an immediate divisor of zero as well, although dividing by a register that is zero is defined.
  if (divisions.has(i.op) && low === 0n) return virtual(s.materialise(immediate(0n), i.at));
  return width === 32 ? s.operand32(right, i.at) : s.operand64(right, i.at);
}

/**
 * Signed division out of unsigned, for ISA version 3: with m(x) = (x ^ sign(x)) - sign(x), the magnitude of x, the
 * quotient is m(l) / m(r) with the sign of l ^ r, the remainder m(l) % m(r) with the sign of l. A divisor of zero
 * gives 0 and l, as the version 4 instructions do (RFC 9669, section 4.1).
 */
function divideSigned(s: Selection, i: Binary): void {
  const { width, at } = i;
  const step = (op: AluOperation, left: Source, right: Operand, result = s.newRegister()): VirtualRegister => {
    s.add({ kind: "alu", op, width, result, left, right, at });
    return result;
  };
  const signOf = (value: Source): VirtualRegister => step("arsh", value, { kind: "constant", value: width - 1 });
  const applySign = (value: Source, sign: VirtualRegister, result?: VirtualRegister): VirtualRegister =>
    step("sub", virtual(step("xor", value, virtual(sign))), virtual(sign), result);
  const left = virtual(s.register(i.left, at));
  const right = virtual(s.register(i.right, at));
  const leftSign = signOf(left);
  const rightSign = signOf(right);
  const leftSize = applySign(left, leftSign);
  const rightSize = applySign(right, rightSign);
  const divided = step(i.op === "sdiv" ? "div" : "mod", virtual(leftSize), virtual(rightSize));
  const sign = i.op === "sdiv" ? step("xor", virtual(leftSign), virtual(rightSign)) : leftSign;
  applySign(virtual(divided), sign, i.result);
}

export function selectUnary(s: Selection, i: Unary): void {
  if (s.facts.alias(i.result) !== i.result) return;
  const { result, at } = i;
  const source = s.register(i.value, at);
  switch (i.op) {
    case "neg":
    case "neg32":
    case "remember":
      s.add({ kind: "inPlace", op: i.op, result, source, at });
      return;
    case "bswap16":
      s.add({ kind: "inPlace", op: "swap16", result, source, at });
      return;
    case "bswap32":
      s.add({ kind: "inPlace", op: "swap32", result, source, at });
      return;
    case "bswap64":
      s.add({ kind: "inPlace", op: "swap64", result, source, at });
      return;
    case "zext8":
    case "zext16": {
      const right: Operand = { kind: "constant", value: i.op === "zext8" ? 0xff : 0xffff };
      s.add({ kind: "alu", op: "and", width: 64, result, left: virtual(source), right, at });
      return;
    }
    case "zext32":
      s.add({ kind: "convert", conversion: "zext32", result, source, at });
      return;
    case "sext8":
      extendSign(s, 8, source, result, at);
      return;
    case "sext16":
      extendSign(s, 16, source, result, at);
      return;
    case "sext32":
      extendSign(s, 32, source, result, at);
  }
}

/** One instruction from ISA version 4 on, a pair of shifts before. */
export function extendSign(
  s: Selection,
  bits: 8 | 16 | 32,
  source: VirtualRegister,
  result: VirtualRegister,
  at: Position,
): void {
  if (s.target.isa >= 4) {
    s.add({ kind: "convert", conversion: `sext${bits}`, result, source, at });
    return;
  }
  const right: Operand = { kind: "constant", value: 64 - bits };
  const shifted = s.newRegister();
  s.add({ kind: "alu", op: "lsh", width: 64, result: shifted, left: virtual(source), right, at });
  s.add({ kind: "alu", op: "arsh", width: 64, result, left: virtual(shifted), right, at });
}
