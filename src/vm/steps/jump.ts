import { type Instruction, PseudoSource } from "../../bytecode/instruction.ts";
import { InstructionClass, JumpCode, nameOf, Opcode, Source } from "../../bytecode/opcode.ts";
import type { Step } from "../code.ts";
import { IMMEDIATE } from "../machine.ts";
import { withImmediate } from "./alu.ts";
import { callStep, indirectCallStep } from "./call.ts";
import { compare32, compare64 } from "./compare.ts";

/** Slots that the instruction may go on at, other than the next one: of jumps, local calls and function addresses. */
export function jumpTargets({ opcode, src, offset, imm, wide }: Instruction, slot: number): number[] {
  if (opcode === Opcode.lddw) {
    return src === PseudoSource.func ? [slot + 1 + Number(BigInt.asIntN(32, wide ?? BigInt(imm)))] : [];
  }
  const kind = opcode & 0x07;
  if ((kind !== InstructionClass.jmp && kind !== InstructionClass.jmp32) || opcode === Opcode.exit) {
    return [];
  }
  if (opcode === Opcode.call) {
    return src === PseudoSource.localCall ? [slot + 1 + imm] : [];
  }
  if (opcode === Opcode.callx) {
    return [];
  }
  return [slot + 1 + (opcode === Opcode.gotol ? imm : offset)];
}

export function jumpStep(instruction: Instruction, slot: number): Step | undefined {
  const { opcode, dst, src, offset, imm } = instruction;
  const target = slot + 1 + offset;
  switch (opcode) {
    case Opcode.ja:
      return goto(target);
    case Opcode.gotol:
      return goto(slot + 1 + imm);
    case Opcode.mayGoto:
      return mayGoto(target);
    case Opcode.exit:
      return (m) => m.leave();
    case Opcode.call:
      return callStep(instruction, slot);
    case Opcode.callx:
      return indirectCallStep(dst);
    default:
      break;
  }
  const comparisons = (opcode & 0x07) === InstructionClass.jmp ? compare64 : compare32;
  const holds = comparisons[nameOf(JumpCode, opcode & 0xf0) ?? ""];
  if (holds === undefined) {
    return undefined;
  }
  const isReg = (opcode & Source.reg) !== 0;
  const d = dst * 2;
  const s = isReg ? src * 2 : IMMEDIATE;
  const step: Step = (m) => {
    if (holds(m, d, s)) {
      m.pc = target;
    }
  };
  return isReg ? step : withImmediate(step, imm);
}

function goto(target: number): Step {
  return (m) => {
    m.pc = target;
  };
}

/** Leaves the loop when the rounds that the kernel allows are used up. */
function mayGoto(target: number): Step {
  return (m) => {
    if (m.roundsLeft-- <= 0) {
      m.pc = target;
    }
  };
}
