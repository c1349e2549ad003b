import { IovisorError } from "../errors.ts";
import { type Instruction, PseudoSource } from "./instruction.ts";
import {
  type AccessSize,
  AluCode,
  type AluOperation,
  AtomicCode,
  type AtomicOperation,
  InstructionClass,
  JumpCode,
  type JumpOperation,
  Mode,
  Opcode,
  Source,
  sizeCode,
} from "./opcode.ts";

/** A register as second operand. */
export interface RegisterOperand {
  readonly reg: number;
}

/** The second operand of arithmetic and jumps: a register, or a signed 32-bit immediate. */
export type Operand = RegisterOperand | number;

/** Marks a register as operand: `alu64("add", 0, reg(1))`. */
export function reg(number: number): RegisterOperand {
  return { reg: number };
}

/** `dst = dst op operand` over 64 bits; an immediate is sign-extended. */
export function alu64(operation: AluOperation, dst: number, operand: Operand): Instruction {
  return arithmetic(InstructionClass.alu64, operation, dst, operand);
}

/** `dst = dst op operand` over the low 32 bits; the high half of `dst` becomes zero. */
export function alu32(operation: AluOperation, dst: number, operand: Operand): Instruction {
  return arithmetic(InstructionClass.alu32, operation, dst, operand);
}

/** `dst = imm`, sign-extended to 64 bits. */
export function movImm(dst: number, imm: number): Instruction {
  return alu64("mov", dst, imm);
}

/** `dst = src`, all 64 bits. */
export function movReg(dst: number, src: number): Instruction {
  return alu64("mov", dst, reg(src));
}

/** `dst = src` sign-extended from `bits` to 64 bits (Linux 6.6). */
export function movsx(bits: 8 | 16 | 32, dst: number, src: number): Instruction {
  return make({ ...alu64("mov", dst, reg(src)), offset: bits });
}

/** `dst = src` sign-extended from `bits` to 32 bits, high half zero (Linux 6.6). */
export function movsx32(bits: 8 | 16, dst: number, src: number): Instruction {
  return make({ ...alu32("mov", dst, reg(src)), offset: bits });
}

/** `dst = -dst` over 64 bits. */
export function neg64(dst: number): Instruction {
  return make({ opcode: InstructionClass.alu64 | AluCode.neg, dst });
}

/** `dst = -dst` over 32 bits. */
export function neg32(dst: number): Instruction {
  return make({ opcode: InstructionClass.alu32 | AluCode.neg, dst });
}

/** Converts the low `bits` of `dst` between host order and `order`; the higher bits become zero. */
export function endian(order: "be" | "le", bits: 16 | 32 | 64, dst: number): Instruction {
  const source = order === "be" ? Source.reg : Source.imm;
  return make({ opcode: InstructionClass.alu32 | AluCode.end | source, dst, imm: bits });
}

/** Reverses the low `bits` of `dst`; the higher bits become zero (Linux 6.6). */
export function bswap(bits: 16 | 32 | 64, dst: number): Instruction {
  return make({ opcode: InstructionClass.alu64 | AluCode.end, dst, imm: bits });
}

/** `dst = *(src + offset)`, zero-extended. */
export function load(size: AccessSize, dst: number, src: number, offset: number): Instruction {
  return make({ opcode: InstructionClass.ldx | Mode.mem | sizeCode(size), dst, src, offset });
}

/** `dst = *(src + offset)`, sign-extended to 64 bits (Linux 6.6). */
export function loadSigned(size: 1 | 2 | 4, dst: number, src: number, offset: number): Instruction {
  return make({ opcode: InstructionClass.ldx | Mode.memsx | sizeCode(size), dst, src, offset });
}

/** `*(base + offset) = src`, the low `size` bytes. */
export function store(size: AccessSize, base: number, offset: number, src: number): Instruction {
  return make({ opcode: InstructionClass.stx | Mode.mem | sizeCode(size), dst: base, src, offset });
}

/** `*(base + offset) = imm`; for 8 bytes the immediate is sign-extended. */
export function storeImm(size: AccessSize, base: number, offset: number, imm: number): Instruction {
  return make({ opcode: InstructionClass.st | Mode.mem | sizeCode(size), dst: base, offset, imm });
}

/**
 * An atomic read-modify-write of `*(base + offset)` with `src`. The `fetch_` forms and `xchg` return the old value in
 * `src`; `cmpxchg` compares with r0, stores `src` when equal and returns the old value in r0 (fetching forms: Linux
 * 5.12).
 */
export function atomic(
  operation: AtomicOperation,
  size: 4 | 8,
  base: number,
  offset: number,
  src: number,
): Instruction {
  const opcode = InstructionClass.stx | Mode.atomic | sizeCode(size);
  return make({ opcode, dst: base, src, offset, imm: AtomicCode[operation] });
}

/** `dst = *(src + offset)` with acquire order, zero-extended (Linux 6.15). */
export function loadAcquire(size: AccessSize, dst: number, src: number, offset: number): Instruction {
  const opcode = InstructionClass.stx | Mode.atomic | sizeCode(size);
  return make({ opcode, dst, src, offset, imm: AtomicCode.load_acquire });
}

/** `*(base + offset) = src` with release order (Linux 6.15). */
export function storeRelease(size: AccessSize, base: number, offset: number, src: number): Instruction {
  const opcode = InstructionClass.stx | Mode.atomic | sizeCode(size);
  return make({ opcode, dst: base, src, offset, imm: AtomicCode.store_release });
}

/** Jumps `offset` slots past the next one if `dst op operand` holds over 64 bits. */
export function jump(operation: JumpOperation, dst: number, operand: Operand, offset: number): Instruction {
  return conditional(InstructionClass.jmp, operation, dst, operand, offset);
}

/** As {@link jump}, over the low 32 bits (Linux 5.1). */
export function jump32(operation: JumpOperation, dst: number, operand: Operand, offset: number): Instruction {
  return conditional(InstructionClass.jmp32, operation, dst, operand, offset);
}

/** Jumps `offset` slots past the next one. */
export function ja(offset: number): Instruction {
  return make({ opcode: Opcode.ja, offset });
}

/** As {@link ja} with a 32-bit offset (Linux 6.6). */
export function gotol(offset: number): Instruction {
  return make({ opcode: Opcode.gotol, imm: offset });
}

/** Jumps out of a loop once the kernel's budget of rounds or time is used up: it needs no proof (Linux 6.9). */
export function mayGoto(offset: number): Instruction {
  return make({ opcode: Opcode.mayGoto, offset });
}

/** Calls the helper of that number: r1..r5 arguments (lost), r0 result. */
export function callHelper(id: number): Instruction {
  return make({ opcode: Opcode.call, imm: id });
}

/** Calls the subprogram `offset` slots past the next one. */
export function callLocal(offset: number): Instruction {
  return make({ opcode: Opcode.call, src: PseudoSource.localCall, imm: offset });
}

/** Calls the kernel function with that BTF id; `fdIndex` selects a module's BTF in `fd_array`, 0 is vmlinux. */
export function callKfunc(btfId: number, fdIndex = 0): Instruction {
  return make({ opcode: Opcode.call, src: PseudoSource.kfuncCall, imm: btfId, offset: fdIndex });
}

/** Returns r0 from the program or the subprogram. */
export function exit(): Instruction {
  return make({ opcode: Opcode.exit });
}

/** `dst = value`, 0..2^64-1 (two slots). `pseudo` says what the value stands for, see {@link PseudoSource}. */
export function loadWide(dst: number, value: bigint, pseudo = 0): Instruction {
  if (value < 0n || value > 0xffff_ffff_ffff_ffffn) {
    throw outOfRange("wide immediate", value, "0..2^64-1");
  }
  return make({ opcode: Opcode.lddw, dst, src: pseudo, imm: Number(BigInt.asIntN(32, value)), wide: value });
}

/** `dst` = the map with that descriptor. */
export function loadMapFd(dst: number, fd: number): Instruction {
  return loadWide(dst, BigInt(fd), PseudoSource.mapFd);
}

/** `dst` = address of byte `offset` of the first value of the array map with that descriptor (Linux 5.2). */
export function loadMapValue(dst: number, fd: number, offset: number): Instruction {
  return loadWide(dst, (BigInt(offset) << 32n) | BigInt(fd), PseudoSource.mapValue);
}

/** `dst` = the subprogram `offset` slots past this instruction's first slot plus one, as a callback (Linux 5.13). */
export function loadFunction(dst: number, offset: number): Instruction {
  return loadWide(dst, BigInt.asUintN(32, BigInt(offset)), PseudoSource.func);
}

function arithmetic(kind: number, operation: AluOperation, dst: number, operand: Operand): Instruction {
  const signed = operation === "sdiv" || operation === "smod";
  const code = AluCode[operation === "sdiv" ? "div" : operation === "smod" ? "mod" : operation];
  const offset = signed ? 1 : 0;
  if (typeof operand === "number") {
    return make({ opcode: kind | code | Source.imm, dst, offset, imm: operand });
  }
  return make({ opcode: kind | code | Source.reg, dst, src: operand.reg, offset });
}

function conditional(
  kind: number,
  operation: JumpOperation,
  dst: number,
  operand: Operand,
  offset: number,
): Instruction {
  const opcode = kind | JumpCode[operation];
  if (typeof operand === "number") {
    return make({ opcode: opcode | Source.imm, dst, offset, imm: operand });
  }
  return make({ opcode: opcode | Source.reg, dst, src: operand.reg, offset });
}

interface Fields {
  readonly opcode: number;
  readonly dst?: number;
  readonly src?: number;
  readonly offset?: number;
  readonly imm?: number;
  readonly wide?: bigint;
}

function make({ opcode, dst = 0, src = 0, offset = 0, imm = 0, wide }: Fields): Instruction {
  check("destination register", dst, 0, 10);
  check("source register", src, 0, 10);
  check("offset", offset, -0x8000, 0x7fff);
  check("immediate", imm, -0x8000_0000, 0x7fff_ffff);
  return Object.freeze(
    wide === undefined ? { opcode, dst, src, offset, imm } : { opcode, dst, src, offset, imm, wide },
  );
}

function check(what: string, value: number, low: number, high: number): void {
  if (!Number.isInteger(value) || value < low || value > high) {
    throw outOfRange(what, value, `${low}..${high}`);
  }
}

function outOfRange(what: string, value: number | bigint, range: string): IovisorError {
  return new IovisorError("E_USAGE", `${what} ${value} does not fit an instruction`, `give a whole number in ${range}`);
}
