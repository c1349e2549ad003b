/**
 * One eBPF instruction as plain data (RFC 9669, section 3).
 *
 * `lddw` (opcode 0x18) is one instruction here although it takes two 8-byte slots in memory: its 64-bit immediate is
 * `wide`. Branch offsets (`offset`, and `imm` for `ja32` and local calls) count **slots**, as in the encoding.
 */
export interface Instruction {
  readonly opcode: number;
  /** Destination register, 0..10. */
  readonly dst: number;
  /** Source register, 0..10, or a pseudo value for `lddw` and `call` (see {@link PseudoSource}). */
  readonly src: number;
  /** Signed 16-bit. */
  readonly offset: number;
  /** Signed 32-bit. For `lddw` the low half of `wide`. */
  readonly imm: number;
  /** Only for `lddw`: the whole immediate, 0..2^64-1. */
  readonly wide?: bigint;
}

/**
 * What the source field of `lddw` (the first six) or of `call` (the last two) says about the immediate
 * (RFC 9669, sections 4.3.1 and 5.4; include/uapi/linux/bpf.h BPF_PSEUDO_*).
 */
export const PseudoSource = {
  /** `lddw`: the immediate's low half is a map's file descriptor, the result the map's address. */
  mapFd: 1,
  /** `lddw`: low half a map's descriptor, high half an offset into its first value; the result is that address. */
  mapValue: 2,
  /** `lddw`: a kernel variable's BTF id. */
  btfId: 3,
  /** `lddw`: a subprogram, as an offset in slots from the next instruction's slot (as in a local call). */
  func: 4,
  /** `lddw`: low half an index into the load call's `fd_array`. */
  mapIndex: 5,
  /** `lddw`: an index into `fd_array`, plus an offset into the map's value. */
  mapIndexValue: 6,
  /** `call`: the immediate is an offset in slots to a subprogram. */
  localCall: 1,
  /** `call`: the immediate is a kernel function's BTF id, `offset` an index into `fd_array` (0: vmlinux). */
  kfuncCall: 2,
} as const;

/** The 8-byte slots that the instruction takes in memory: 2 for `lddw`, else 1. */
export function slotCount(instruction: Instruction): 1 | 2 {
  return instruction.opcode === 0x18 ? 2 : 1;
}

/** The slot at which each instruction starts, and the total as last element. */
export function slotOffsets(program: readonly Instruction[]): number[] {
  const starts: number[] = [];
  let slot = 0;
  for (const instruction of program) {
    starts.push(slot);
    slot += slotCount(instruction);
  }
  starts.push(slot);
  return starts;
}
