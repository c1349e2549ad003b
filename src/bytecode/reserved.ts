import { type Instruction, PseudoSource } from "./instruction.ts";
import {
  AluCode,
  AtomicCode,
  accessSize,
  InstructionClass,
  isAlu,
  isJump,
  JumpCode,
  Mode,
  nameOf,
  Opcode,
  Source,
} from "./opcode.ts";

/** The fields that an instruction may use; all others must be zero. */
type Field = "dst" | "src" | "offset" | "imm";

/**
 * Why the instruction is not part of the instruction set (unknown opcode, value out of range, or a field that must be
 * zero is not), or undefined when it is. The rules are those of check_alu_op, check_cond_jmp_op, check_load_mem and
 * friends in the kernel's kernel/bpf/verifier.c.
 */
export function reservedFieldProblem(instruction: Instruction): string | undefined {
  const { opcode } = instruction;
  if (isAlu(opcode)) {
    return aluProblem(instruction);
  }
  if (isJump(opcode)) {
    return jumpProblem(instruction);
  }
  return memoryProblem(instruction);
}

function aluProblem(instruction: Instruction): string | undefined {
  const { opcode, offset, imm } = instruction;
  const code = opcode & 0xf0;
  const isReg = (opcode & Source.reg) !== 0;
  if (nameOf(AluCode, code) === undefined) {
    return unknown(opcode);
  }
  if (code === AluCode.end) {
    const swapsAlways = (opcode & 0x07) === InstructionClass.alu64;
    if (swapsAlways && isReg) {
      return unknown(opcode);
    }
    if (imm !== 16 && imm !== 32 && imm !== 64) {
      return `byte order conversion of ${imm} bits; it is 16, 32 or 64`;
    }
    return onlyUses(instruction, ["dst", "imm"]);
  }
  if (code === AluCode.neg) {
    return isReg ? unknown(opcode) : onlyUses(instruction, ["dst"]);
  }
  if (!offsetFits(opcode, offset)) {
    return `offset ${offset} means nothing for this operation`;
  }
  return onlyUses(instruction, ["dst", "offset", isReg ? "src" : "imm"]);
}

/** Offset selects the signed division, and the source width of a sign-extending move. */
function offsetFits(opcode: number, offset: number): boolean {
  const code = opcode & 0xf0;
  if (code === AluCode.div || code === AluCode.mod) {
    return offset === 0 || offset === 1;
  }
  if (code === AluCode.mov && (opcode & Source.reg) !== 0) {
    const is64 = (opcode & 0x07) === InstructionClass.alu64;
    return offset === 0 || offset === 8 || offset === 16 || (offset === 32 && is64);
  }
  return offset === 0;
}

function jumpProblem(instruction: Instruction): string | undefined {
  const { opcode } = instruction;
  switch (opcode) {
    case Opcode.ja:
    case Opcode.mayGoto:
      return onlyUses(instruction, ["offset"]);
    case Opcode.gotol:
      return onlyUses(instruction, ["imm"]);
    case Opcode.exit:
      return onlyUses(instruction, []);
    case Opcode.callx:
      return onlyUses(instruction, ["dst"]);
    case Opcode.call:
      return callProblem(instruction);
    default:
      break;
  }
  const code = opcode & 0xf0;
  const conditional = nameOf(JumpCode, code) !== undefined && code !== JumpCode.ja && code !== JumpCode.cond;
  if (!conditional || code === JumpCode.call || code === JumpCode.exit) {
    return unknown(opcode);
  }
  return onlyUses(instruction, ["dst", "offset", (opcode & Source.reg) !== 0 ? "src" : "imm"]);
}

function callProblem(instruction: Instruction): string | undefined {
  if (instruction.src > PseudoSource.kfuncCall) {
    return `call kind ${instruction.src} does not exist`;
  }
  const isKfunc = instruction.src === PseudoSource.kfuncCall;
  return onlyUses(instruction, isKfunc ? ["src", "offset", "imm"] : ["src", "imm"]);
}

function memoryProblem(instruction: Instruction): string | undefined {
  const { opcode, src, imm } = instruction;
  const kind = opcode & 0x07;
  const mode = opcode & 0xe0;
  if (opcode === Opcode.lddw) {
    return src > PseudoSource.mapIndexValue
      ? `lddw kind ${src} does not exist`
      : onlyUses(instruction, ["dst", "src", "imm"]);
  }
  const size = accessSize(opcode);
  if (kind === InstructionClass.ld && (mode === Mode.abs || mode === Mode.ind) && size !== 8) {
    return onlyUses(instruction, mode === Mode.abs ? ["imm"] : ["src", "imm"]);
  }
  const plain = mode === Mode.mem;
  if (kind === InstructionClass.ldx && (plain || (mode === Mode.memsx && size !== 8))) {
    return onlyUses(instruction, ["dst", "src", "offset"]);
  }
  if (kind === InstructionClass.st && plain) {
    return onlyUses(instruction, ["dst", "offset", "imm"]);
  }
  if (kind === InstructionClass.stx && plain) {
    return onlyUses(instruction, ["dst", "src", "offset"]);
  }
  if (kind === InstructionClass.stx && mode === Mode.atomic) {
    return atomicFits(size, imm) ? undefined : `atomic operation 0x${imm.toString(16)} of ${size} bytes does not exist`;
  }
  return unknown(opcode);
}

function atomicFits(size: number, imm: number): boolean {
  const ordered = imm === AtomicCode.load_acquire || imm === AtomicCode.store_release;
  return nameOf(AtomicCode, imm) !== undefined && (ordered || size >= 4);
}

function onlyUses(instruction: Instruction, used: readonly Field[]): string | undefined {
  const fields: readonly Field[] = ["dst", "src", "offset", "imm"];
  const wrong = fields.find((field) => instruction[field] !== 0 && !used.includes(field));
  return wrong === undefined
    ? undefined
    : `opcode 0x${hex(instruction.opcode)} uses the reserved field ${wrong} (${instruction[wrong]})`;
}

function unknown(opcode: number): string {
  return `unknown opcode 0x${hex(opcode)}`;
}

function hex(opcode: number): string {
  return opcode.toString(16).padStart(2, "0");
}
