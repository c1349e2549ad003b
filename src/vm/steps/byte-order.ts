import type { Instruction } from "../../bytecode/instruction.ts";
import { InstructionClass, Source } from "../../bytecode/opcode.ts";
import type { Step } from "../code.ts";

/**
 * `be`, `le` and `bswap`. The machine is little-endian, as every host that IO Visor runs on, so that `le` only
 * truncates and `be` is `bswap`.
 */
export function byteOrderStep({ opcode, dst, imm }: Instruction): Step | undefined {
  const d = dst * 2;
  const swaps = (opcode & 0x07) === InstructionClass.alu64 || (opcode & Source.reg) !== 0;
  switch (imm) {
    case 16:
      return swaps ? swap16(d) : truncate16(d);
    case 32:
      return swaps ? swap32(d) : truncate32(d);
    case 64:
      return swaps ? swap64(d) : () => {};
    default:
      return undefined;
  }
}

function truncate16(d: number): Step {
  return (m) => {
    m.i32[d] = m.i32[d]! & 0xffff;
    m.i32[d + 1] = 0;
  };
}

function truncate32(d: number): Step {
  return (m) => {
    m.i32[d + 1] = 0;
  };
}

function swap16(d: number): Step {
  return (m) => {
    const value = m.i32[d]!;
    m.i32[d] = ((value & 0xff) << 8) | ((value >> 8) & 0xff);
    m.i32[d + 1] = 0;
  };
}

function swap32(d: number): Step {
  return (m) => {
    m.i32[d] = reverse(m.i32[d]!);
    m.i32[d + 1] = 0;
  };
}

function swap64(d: number): Step {
  return (m) => {
    const low = m.i32[d]!;
    m.i32[d] = reverse(m.i32[d + 1]!);
    m.i32[d + 1] = reverse(low);
  };
}

function reverse(word: number): number {
  return (word << 24) | ((word << 8) & 0xff0000) | ((word >> 8) & 0xff00) | (word >>> 24);
}
