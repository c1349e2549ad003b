import { type Instruction, slotOffsets } from "../bytecode/instruction.ts";
import { classOf, InstructionClass, isAlu, isJump, Mode, Opcode } from "../bytecode/opcode.ts";
import { printInstruction } from "../bytecode/print.ts";
import { IovisorError } from "../errors.ts";
import { FaultReason } from "./fault.ts";
import type { Machine } from "./machine.ts";
import type { VmMap } from "./maps/map.ts";
import { aluStep } from "./steps/alu.ts";
import { atomicStep } from "./steps/atomic.ts";
import { jumpStep, jumpTargets } from "./steps/jump.ts";
import { loadStep } from "./steps/load.ts";
import { packetLoadStep } from "./steps/packet-load.ts";
import { storeStep } from "./steps/store.ts";
import { wideStep } from "./steps/wide.ts";

/** One instruction, ready to run. */
export type Step = (machine: Machine) => void;

/** What a program's instructions refer to by number. */
export interface References {
  /** Maps by the number in their `lddw` (descriptor or index). */
  readonly maps?: readonly VmMap[] | ReadonlyMap<number, VmMap>;
  /** Names of kernel functions by the BTF id in their calls. */
  readonly kfuncNames?: ReadonlyMap<number, string>;
}

/** A program decoded into closures; it holds no state and may run many times. */
export interface Code {
  readonly name: string;
  readonly program: readonly Instruction[];
  readonly references: References;
  /** By slot; one more than the program has, which faults. */
  readonly steps: readonly Step[];
  instructionAt(slot: number): Instruction | undefined;
}

/**
 * Decodes a program for the machine. Throws `E_FORMAT` for an unknown opcode and for a jump or local call that leads
 * out of the program or into the middle of an `lddw`, as the kernel does before it verifies.
 */
export function prepare(program: readonly Instruction[], references: References = {}, name = "program"): Code {
  const starts = slotOffsets(program);
  const slots = starts.at(-1)!;
  const bySlot: (Instruction | undefined)[] = new Array(slots).fill(undefined);
  const steps: Step[] = new Array(slots + 1).fill(noInstruction);
  program.forEach((instruction, index) => {
    bySlot[starts[index]!] = instruction;
  });
  program.forEach((instruction, index) => {
    const slot = starts[index]!;
    for (const target of jumpTargets(instruction, slot)) {
      if (bySlot[target] === undefined) {
        throw malformed(slot, instruction, `leads to slot ${target}, where no instruction starts`);
      }
    }
    const step = stepFor(instruction, slot);
    if (step === undefined) {
      throw malformed(slot, instruction, "is not part of the instruction set");
    }
    steps[slot] = step;
  });
  return { name, program, references, steps, instructionAt: (slot) => bySlot[slot] };
}

/** The map that an `lddw` of this program refers to. */
export function mapOf(code: Code, number: number): VmMap | undefined {
  const { maps } = code.references;
  return maps instanceof Map ? maps.get(number) : (maps as readonly VmMap[] | undefined)?.[number];
}

function stepFor(instruction: Instruction, slot: number): Step | undefined {
  const { opcode } = instruction;
  if (isAlu(opcode)) {
    return aluStep(instruction);
  }
  if (isJump(opcode)) {
    return jumpStep(instruction, slot);
  }
  if (opcode === Opcode.lddw) {
    return wideStep(instruction, slot);
  }
  switch (classOf(opcode)) {
    case InstructionClass.ldx:
      return loadStep(instruction);
    case InstructionClass.ld:
      return packetLoadStep(instruction);
    case InstructionClass.stx:
      return (opcode & 0xe0) === Mode.atomic ? atomicStep(instruction) : storeStep(instruction);
    default:
      return storeStep(instruction);
  }
}

function noInstruction(): never {
  throw new FaultReason("the program runs past its end");
}

function malformed(slot: number, instruction: Instruction, problem: string): IovisorError {
  const text = `slot ${slot} (${printInstruction(instruction)}) ${problem}`;
  return new IovisorError("E_FORMAT", text, "give the instructions of a complete program");
}
