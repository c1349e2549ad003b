import { IovisorError } from "../errors.ts";
import type { Instruction } from "./instruction.ts";
import { Opcode } from "./opcode.ts";
import { reservedFieldProblem } from "./reserved.ts";

export interface DecodeOptions {
  /**
   * Also refuse opcodes that do not exist and fields that must be zero but are not, as the kernel's verifier does
   * ("BPF_ALU uses reserved fields"). Default true.
   */
  readonly strict?: boolean;
}

/**
 * Instructions from their encoding. Throws `E_FORMAT` with the slot number when the length is not a multiple of 8, a
 * register number is above 10, an `lddw` lacks its second slot, or (unless `strict` is false) an instruction is not
 * part of the instruction set.
 */
export function decode(bytes: Uint8Array, options: DecodeOptions = {}): Instruction[] {
  if (bytes.length % 8 !== 0) {
    throw malformed(`the program has ${bytes.length} bytes, not a multiple of 8`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const program: Instruction[] = [];
  for (let slot = 0; slot * 8 < bytes.length; ) {
    const instruction = decodeAt(view, slot);
    const problem = options.strict === false ? undefined : reservedFieldProblem(instruction);
    if (problem !== undefined) {
      throw malformed(`slot ${slot}: ${problem}`);
    }
    program.push(instruction);
    slot += instruction.wide === undefined ? 1 : 2;
  }
  return program;
}

function decodeAt(view: DataView, slot: number): Instruction {
  const at = slot * 8;
  const opcode = view.getUint8(at);
  const registers = view.getUint8(at + 1);
  const dst = registers & 0x0f;
  const src = registers >> 4;
  if (dst > 10 || src > 10) {
    throw malformed(`slot ${slot}: register r${Math.max(dst, src)} does not exist`);
  }
  const offset = view.getInt16(at + 2, true);
  const imm = view.getInt32(at + 4, true);
  if (opcode !== Opcode.lddw) {
    return Object.freeze({ opcode, dst, src, offset, imm });
  }
  const wide = (secondHalf(view, slot) << 32n) | BigInt(view.getUint32(at + 4, true));
  return Object.freeze({ opcode, dst, src, offset, imm, wide });
}

/** The high half of the immediate; all other fields of an `lddw`'s second slot are reserved. */
function secondHalf(view: DataView, slot: number): bigint {
  const at = slot * 8 + 8;
  if (at + 8 > view.byteLength) {
    throw malformed(`slot ${slot}: lddw has no second slot`);
  }
  if (view.getUint32(at, true) !== 0) {
    throw malformed(`slot ${slot + 1}: the second slot of lddw uses reserved fields`);
  }
  return BigInt(view.getUint32(at + 4, true));
}

function malformed(message: string): IovisorError {
  return new IovisorError("E_FORMAT", `not an eBPF program: ${message}`, "give the bytes of a compiled program");
}
