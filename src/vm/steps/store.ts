import type { Instruction } from "../../bytecode/instruction.ts";
import { accessSize, InstructionClass, Mode } from "../../bytecode/opcode.ts";
import type { Step } from "../code.ts";
import { IMMEDIATE, type Machine } from "../machine.ts";
import type { Region } from "../memory.ts";
import { withImmediate } from "./alu.ts";

/** Puts the register with word index `s` at `memory.at` of the region. */
type Writer = (m: Machine, region: Region, s: number) => void;

const writers: Readonly<Record<number, Writer>> = {
  1: (m, region, s) => region.view.setInt8(m.memory.at, m.i32[s]!),
  2: (m, region, s) => region.view.setInt16(m.memory.at, m.i32[s]!, true),
  4: (m, region, s) => region.view.setInt32(m.memory.at, m.i32[s]!, true),
  8: (m, region, s) => {
    region.view.setInt32(m.memory.at, m.i32[s]!, true);
    region.view.setInt32(m.memory.at + 4, m.i32[s + 1]!, true);
  },
};

/** `st` and `stx`. */
export function storeStep({ opcode, dst, src, offset, imm }: Instruction): Step | undefined {
  if ((opcode & 0xe0) !== Mode.mem) {
    return undefined;
  }
  const size = accessSize(opcode);
  const write = writers[size]!;
  const isReg = (opcode & 0x07) === InstructionClass.stx;
  const d = dst * 2;
  const s = isReg ? src * 2 : IMMEDIATE;
  const step: Step = (m) => {
    const region = m.memory.locateForStore(m.u32[d + 1]!, m.u32[d]! + offset, size);
    write(m, region, s);
  };
  return isReg ? step : withImmediate(step, imm);
}
