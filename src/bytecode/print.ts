import { wideOf } from "./encode.ts";
import { helperName } from "./helper-names.ts";
import { type Instruction, PseudoSource, slotCount } from "./instruction.ts";
import { InstructionClass, isAlu, isJump, JumpCode, nameOf, Opcode, Source } from "./opcode.ts";
import { printAlu } from "./print-alu.ts";
import { printMemory } from "./print-memory.ts";

export interface PrintOptions {
  /** Puts the opcode in hex before each line, as the verifier's log and bpftool do. Default false. */
  readonly opcodes?: boolean;
  /** Name of a kernel function by BTF id. */
  readonly kfuncName?: (btfId: number) => string | undefined;
  /** Name of the map that an `lddw` refers to (`imm` is the descriptor or the index). */
  readonly mapName?: (imm: number) => string | undefined;
}

/**
 * The program as text, one line per instruction with its slot number, in the form of the verifier's log and of
 * `bpftool prog dump xlated` (kernel/bpf/disasm.c):
 *
 *     0: r0 = *(u32 *)(r1 +4)
 *     1: if w0 s> 0x5 goto pc+3
 */
export function printProgram(program: readonly Instruction[], options: PrintOptions = {}): string {
  let slot = 0;
  let text = "";
  for (const instruction of program) {
    text += `${String(slot).padStart(4)}: ${printInstruction(instruction, options)}\n`;
    slot += slotCount(instruction);
  }
  return text;
}

/** One instruction as text; see {@link printProgram}. An unknown opcode prints as `BUG_xx`, as in the kernel. */
export function printInstruction(instruction: Instruction, options: PrintOptions = {}): string {
  const text = body(instruction, options) ?? `BUG_${hexOpcode(instruction.opcode)}`;
  return options.opcodes ? `(${hexOpcode(instruction.opcode)}) ${text}` : text;
}

function body(instruction: Instruction, options: PrintOptions): string | undefined {
  if (isAlu(instruction.opcode)) {
    return printAlu(instruction);
  }
  if (isJump(instruction.opcode)) {
    return printJump(instruction, options);
  }
  return instruction.opcode === Opcode.lddw ? printWide(instruction, options) : printMemory(instruction);
}

const comparisons: Readonly<Record<string, string>> = {
  eq: "==",
  ne: "!=",
  gt: ">",
  ge: ">=",
  lt: "<",
  le: "<=",
  set: "&",
  sgt: "s>",
  sge: "s>=",
  slt: "s<",
  sle: "s<=",
};

function printJump(instruction: Instruction, options: PrintOptions): string | undefined {
  const { opcode, dst, src, offset, imm } = instruction;
  switch (opcode) {
    case Opcode.ja:
      return `goto pc${signed(offset)}`;
    case Opcode.gotol:
      return `gotol pc${signed(imm)}`;
    case Opcode.mayGoto:
      return `may_goto pc${signed(offset)}`;
    case Opcode.exit:
      return "exit";
    case Opcode.callx:
      return `callx r${dst}`;
    case Opcode.call:
      return printCall(instruction, options);
    default:
      break;
  }
  const comparison = comparisons[nameOf(JumpCode, opcode & 0xf0) ?? ""];
  if (comparison === undefined) {
    return undefined;
  }
  const letter = (opcode & 0x07) === InstructionClass.jmp32 ? "w" : "r";
  const right = (opcode & Source.reg) !== 0 ? `${letter}${src}` : `0x${(imm >>> 0).toString(16)}`;
  return `if ${letter}${dst} ${comparison} ${right} goto pc${signed(offset)}`;
}

function printCall({ src, imm }: Instruction, options: PrintOptions): string {
  switch (src) {
    case PseudoSource.localCall:
      return `call pc${signed(imm)}`;
    case PseudoSource.kfuncCall:
      return `call ${options.kfuncName?.(imm) ?? "kernel-function"}#${imm}`;
    default: {
      const name = helperName(imm);
      return `call ${name === undefined ? "unknown" : `bpf_${name}`}#${imm}`;
    }
  }
}

function printWide(instruction: Instruction, options: PrintOptions): string {
  const value = wideOf(instruction);
  const low = Number(value & 0xffff_ffffn);
  const high = value >> 32n;
  const target = `r${instruction.dst} = `;
  const map = options.mapName?.(low);
  switch (instruction.src) {
    case PseudoSource.mapFd:
      return `${target}map[${map ?? `fd:${low}`}]`;
    case PseudoSource.mapValue:
      return `${target}map[${map ?? `fd:${low}`}][0]+${high}`;
    case PseudoSource.mapIndex:
      return `${target}map[${map ?? `idx:${low}`}]`;
    case PseudoSource.mapIndexValue:
      return `${target}map[${map ?? `idx:${low}`}][0]+${high}`;
    case PseudoSource.func:
      return `${target}subprog[${signed(low | 0)}]`;
    case PseudoSource.btfId:
      return `${target}btf[${low}]`;
    default:
      return `${target}0x${value.toString(16)}`;
  }
}

function signed(value: number): string {
  return value < 0 ? String(value) : `+${value}`;
}

function hexOpcode(opcode: number): string {
  return opcode.toString(16).padStart(2, "0");
}
