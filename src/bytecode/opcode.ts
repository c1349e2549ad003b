/**
 * The parts of an eBPF opcode (RFC 9669, section 3; include/uapi/linux/bpf.h and bpf_common.h).
 *
 * An arithmetic or jump opcode is `operation | source | class`, a load or store is `mode | size | class`.
 */

/** Bits 0..2. */
export const InstructionClass = {
  ld: 0x00,
  ldx: 0x01,
  st: 0x02,
  stx: 0x03,
  alu32: 0x04,
  jmp: 0x05,
  jmp32: 0x06,
  alu64: 0x07,
} as const;

/** Bits 3..4 of loads and stores. */
export const SizeCode = { u32: 0x00, u16: 0x08, u8: 0x10, u64: 0x18 } as const;

/** Bits 5..7 of loads and stores. */
export const Mode = {
  imm: 0x00,
  abs: 0x20,
  ind: 0x40,
  mem: 0x60,
  memsx: 0x80,
  atomic: 0xc0,
} as const;

/** Bit 3 of arithmetic and jumps: the second operand is the immediate or the source register. */
export const Source = { imm: 0x00, reg: 0x08 } as const;

/** Bits 4..7 of arithmetic. */
export const AluCode = {
  add: 0x00,
  sub: 0x10,
  mul: 0x20,
  div: 0x30,
  or: 0x40,
  and: 0x50,
  lsh: 0x60,
  rsh: 0x70,
  neg: 0x80,
  mod: 0x90,
  xor: 0xa0,
  mov: 0xb0,
  arsh: 0xc0,
  end: 0xd0,
} as const;

/** Bits 4..7 of jumps. */
export const JumpCode = {
  ja: 0x00,
  eq: 0x10,
  gt: 0x20,
  ge: 0x30,
  set: 0x40,
  ne: 0x50,
  sgt: 0x60,
  sge: 0x70,
  call: 0x80,
  exit: 0x90,
  lt: 0xa0,
  le: 0xb0,
  slt: 0xc0,
  sle: 0xd0,
  /** `may_goto` (Linux 6.9), in the jmp class only. */
  cond: 0xe0,
} as const;

/** What the immediate of an atomic instruction selects. The fetching forms return the old value in the source. */
export const AtomicCode = {
  add: 0x00,
  or: 0x40,
  and: 0x50,
  xor: 0xa0,
  fetch_add: 0x01,
  fetch_or: 0x41,
  fetch_and: 0x51,
  fetch_xor: 0xa1,
  xchg: 0xe1,
  cmpxchg: 0xf1,
  /** Linux 6.15. */
  load_acquire: 0x100,
  /** Linux 6.15. */
  store_release: 0x110,
} as const;

/** Opcodes that stand alone. */
export const Opcode = {
  lddw: 0x18,
  ja: 0x05,
  gotol: 0x06,
  call: 0x85,
  callx: 0x8d,
  exit: 0x95,
  mayGoto: 0xe5,
} as const;

/** Bytes that a load, store or atomic accesses. */
export type AccessSize = 1 | 2 | 4 | 8;

/** Two-operand arithmetic; `sdiv` and `smod` (Linux 6.6) are `div` and `mod` with offset 1. */
export type AluOperation = Exclude<keyof typeof AluCode, "neg" | "end"> | "sdiv" | "smod";

/** Conditional jumps; `s..` compare as signed, the others as unsigned, `set` tests common bits. */
export type JumpOperation = Exclude<keyof typeof JumpCode, "ja" | "call" | "exit" | "cond">;

/** Atomic read-modify-write operations. */
export type AtomicOperation = Exclude<keyof typeof AtomicCode, "load_acquire" | "store_release">;

const sizeCodes: Readonly<Record<AccessSize, number>> = {
  1: SizeCode.u8,
  2: SizeCode.u16,
  4: SizeCode.u32,
  8: SizeCode.u64,
};

/** The size bits for an access of `size` bytes. */
export function sizeCode(size: AccessSize): number {
  return sizeCodes[size];
}

/** The bytes that the size bits of a load or store opcode mean. */
export function accessSize(opcode: number): AccessSize {
  switch (opcode & 0x18) {
    case SizeCode.u32:
      return 4;
    case SizeCode.u16:
      return 2;
    case SizeCode.u8:
      return 1;
    default:
      return 8;
  }
}

export function classOf(opcode: number): number {
  return opcode & 0x07;
}

export function isAlu(opcode: number): boolean {
  const kind = classOf(opcode);
  return kind === InstructionClass.alu32 || kind === InstructionClass.alu64;
}

export function isJump(opcode: number): boolean {
  const kind = classOf(opcode);
  return kind === InstructionClass.jmp || kind === InstructionClass.jmp32;
}

/** The name of the entry of `codes` that is `code`, or undefined. */
export function nameOf<T extends Readonly<Record<string, number>>>(codes: T, code: number): keyof T | undefined {
  return Object.keys(codes).find((name) => codes[name] === code);
}
