import type { Instruction } from "./instruction.ts";
import { AluCode, InstructionClass, nameOf, Source } from "./opcode.ts";

const symbols: Readonly<Record<string, string>> = {
  add: "+=",
  sub: "-=",
  mul: "*=",
  div: "/=",
  or: "|=",
  and: "&=",
  lsh: "<<=",
  rsh: ">>=",
  mod: "%=",
  xor: "^=",
  mov: "=",
  arsh: "s>>=",
};

/** An arithmetic instruction as the kernel's disassembler shows it, or undefined for an unknown operation. */
export function printAlu(instruction: Instruction): string | undefined {
  const { opcode, dst, src, offset, imm } = instruction;
  const code = opcode & 0xf0;
  if (code === AluCode.end) {
    return printByteOrder(instruction);
  }
  const letter = (opcode & 0x07) === InstructionClass.alu64 ? "r" : "w";
  if (code === AluCode.neg) {
    return `${letter}${dst} = -${letter}${dst}`;
  }
  const symbol = symbols[nameOf(AluCode, code) ?? ""];
  if (symbol === undefined) {
    return undefined;
  }
  const isDivision = code === AluCode.div || code === AluCode.mod;
  const operator = isDivision && offset === 1 ? `s${symbol}` : symbol;
  if ((opcode & Source.reg) === 0) {
    return `${letter}${dst} ${operator} ${imm}`;
  }
  const cast = code === AluCode.mov && offset !== 0 ? `(s${offset})` : "";
  return `${letter}${dst} ${operator} ${cast}${letter}${src}`;
}

function printByteOrder({ opcode, dst, imm }: Instruction): string {
  if ((opcode & 0x07) === InstructionClass.alu64) {
    return `r${dst} = bswap${imm} r${dst}`;
  }
  const order = (opcode & Source.reg) !== 0 ? "be" : "le";
  return `r${dst} = ${order}${imm} r${dst}`;
}
