import type { Instruction } from "../bytecode/instruction.ts";
import { printInstruction } from "../bytecode/print.ts";

/** Why an access or a helper call cannot be done. The machine turns it into a {@link VmFault} that says where. */
export class FaultReason extends Error {
  override readonly name = "FaultReason";
}

/** A program did what the verifier would have refused (or ran out of its budget): it stops here, without a result. */
export class VmFault extends Error {
  override readonly name = "VmFault";
  readonly code = "E_FAULT";
  /** Slot of the instruction. */
  readonly pc: number;
  /** Undefined when `pc` is no instruction. */
  readonly instruction: Instruction | undefined;
  /** One clause, such as "access to 4 bytes at packet+60 is outside of 0..60". */
  readonly reason: string;

  constructor(pc: number, instruction: Instruction | undefined, reason: string, options?: ErrorOptions) {
    const text = instruction === undefined ? "no instruction" : printInstruction(instruction);
    super(`slot ${pc} (${text}): ${reason}`, options);
    this.pc = pc;
    this.instruction = instruction;
    this.reason = reason;
  }
}
