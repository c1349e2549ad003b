import { type Instruction, slotCount } from "./instruction.ts";
import { Opcode } from "./opcode.ts";

/** The program in the little-endian layout of RFC 9669, section 3: 8 bytes per slot. */
export function encode(program: readonly Instruction[]): Uint8Array<ArrayBuffer> {
  const slots = program.reduce((sum, instruction) => sum + slotCount(instruction), 0);
  const bytes = new Uint8Array(slots * 8);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const instruction of program) {
    view.setUint8(at, instruction.opcode);
    view.setUint8(at + 1, (instruction.src << 4) | instruction.dst);
    view.setInt16(at + 2, instruction.offset, true);
    view.setInt32(at + 4, instruction.imm, true);
    if (instruction.opcode === Opcode.lddw) {
      const wide = wideOf(instruction);
      view.setUint32(at + 4, Number(wide & 0xffff_ffffn), true);
      view.setUint32(at + 12, Number(wide >> 32n), true);
    }
    at += slotCount(instruction) * 8;
  }
  return bytes;
}

/** The 64-bit immediate of an `lddw`; without `wide` it is `imm` sign-extended. */
export function wideOf(instruction: Instruction): bigint {
  return instruction.wide ?? BigInt.asUintN(64, BigInt(instruction.imm));
}
