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
