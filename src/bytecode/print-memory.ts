import type { Instruction } from "./instruction.ts";
import { AtomicCode, accessSize, InstructionClass, Mode, nameOf } from "./opcode.ts";

/** A load, store or atomic as the kernel's disassembler shows it, or undefined for an unknown one. */
export function printMemory(instruction: Instruction): string | undefined {
  const { opcode, dst, src, offset, imm } = instruction;
  const type = `u${accessSize(opcode) * 8}`;
  switch (opcode & 0xe7) {
    case InstructionClass.ldx | Mode.mem:
      return `r${dst} = *(${type} *)(r${src} ${signed(offset)})`;
    case InstructionClass.ldx | Mode.memsx:
      return `r${dst} = *(s${accessSize(opcode) * 8} *)(r${src} ${signed(offset)})`;
    case InstructionClass.st | Mode.mem:
      return `*(${type} *)(r${dst} ${signed(offset)}) = ${imm}`;
    case InstructionClass.stx | Mode.mem:
      return `*(${type} *)(r${dst} ${signed(offset)}) = r${src}`;
    case InstructionClass.stx | Mode.atomic:
      return printAtomic(instruction, type);
    case InstructionClass.ld | Mode.abs:
      return `r0 = *(${type} *)skb[${imm}]`;
    case InstructionClass.ld | Mode.ind:
      return `r0 = *(${type} *)skb[r${src} + ${imm}]`;
    default:
      return undefined;
  }
}

function printAtomic({ opcode, dst, src, offset, imm }: Instruction, type: string): string | undefined {
  const name = nameOf(AtomicCode, imm);
  const place = (base: number) => `(${type} *)(r${base} ${signed(offset)})`;
  const prefix = accessSize(opcode) === 8 ? "atomic64" : "atomic";
  switch (name) {
    case "add":
      return `lock *${place(dst)} += r${src}`;
    case "or":
      return `lock *${place(dst)} |= r${src}`;
    case "and":
      return `lock *${place(dst)} &= r${src}`;
    case "xor":
      return `lock *${place(dst)} ^= r${src}`;
    case "fetch_add":
    case "fetch_or":
    case "fetch_and":
    case "fetch_xor":
    case "xchg":
      return `r${src} = ${prefix}_${name}(${place(dst)}, r${src})`;
    case "cmpxchg":
      return `r0 = ${prefix}_cmpxchg(${place(dst)}, r0, r${src})`;
    case "load_acquire":
      return `r${dst} = load_acquire(${place(src)})`;
    case "store_release":
      return `store_release(${place(dst)}, r${src})`;
    case undefined:
      return undefined;
  }
}

function signed(value: number): string {
  return value < 0 ? String(value) : `+${value}`;
}
