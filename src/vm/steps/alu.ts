import type { Instruction } from "../../bytecode/instruction.ts";
import { AluCode, InstructionClass, nameOf, Source } from "../../bytecode/opcode.ts";
import type { Step } from "../code.ts";
import { IMMEDIATE } from "../machine.ts";
import { alu32Steps } from "./alu32.ts";
import { alu64Steps } from "./alu64.ts";
import { byteOrderStep } from "./byte-order.ts";

/** Makes the step of a two-operand operation from the word indices of its registers (twice the register number). */
export type BinaryStep = (d: number, s: number) => Step;

export function aluStep(instruction: Instruction): Step | undefined {
  const { opcode, dst, src, offset, imm } = instruction;
  const code = opcode & 0xf0;
  if (code === AluCode.end) {
    return byteOrderStep(instruction);
  }
  const steps = (opcode & 0x07) === InstructionClass.alu64 ? alu64Steps : alu32Steps;
  const make = steps[operationName(code, offset)];
  if (make === undefined) {
    return undefined;
  }
  return (opcode & Source.reg) !== 0 ? make(dst * 2, src * 2) : withImmediate(make(dst * 2, IMMEDIATE), imm);
}

/** Puts the sign-extended immediate into the register that stands for it, then runs the step. */
export function withImmediate(step: Step, imm: number): Step {
  const high = imm >> 31;
  return (m) => {
    m.i32[IMMEDIATE] = imm;
    m.i32[IMMEDIATE + 1] = high;
    step(m);
  };
}

function operationName(code: number, offset: number): string {
  const name = nameOf(AluCode, code) ?? "";
  if (offset === 0) {
    return name;
  }
  return name === "mov" ? `movsx${offset}` : `s${name}`;
}
