import type { Instruction } from "../../bytecode/instruction.ts";
import { AtomicCode, accessSize, InstructionClass, Mode, nameOf, sizeCode } from "../../bytecode/opcode.ts";
import type { Step } from "../code.ts";
import { FaultReason } from "../fault.ts";
import type { Machine } from "../machine.ts";
import { loadStep } from "./load.ts";
import { storeStep } from "./store.ts";

/** The new value from the old one and the operand, both unsigned; the store cuts it to size. */
const updates: Readonly<Record<string, (old: bigint, operand: bigint) => bigint>> = {
  add: (old, operand) => old + operand,
  or: (old, operand) => old | operand,
  and: (old, operand) => old & operand,
  xor: (old, operand) => old ^ operand,
  xchg: (_, operand) => operand,
};

/** Atomic instructions; one machine runs at a time, so that each is simply done in one step. */
export function atomicStep(instruction: Instruction): Step | undefined {
  const { opcode, dst, src, offset, imm } = instruction;
  const size = accessSize(opcode);
  const name = nameOf(AtomicCode, imm);
  switch (name) {
    case undefined:
      return undefined;
    case "load_acquire":
      return loadStep({ ...instruction, opcode: InstructionClass.ldx | Mode.mem | sizeCode(size) });
    case "store_release":
      return storeStep({ ...instruction, opcode: InstructionClass.stx | Mode.mem | sizeCode(size) });
    default:
      break;
  }
  if (size !== 4 && size !== 8) {
    return undefined;
  }
  if (name === "cmpxchg") {
    return (m) => compareAndExchange(m, dst, offset, src, size);
  }
  const fetches = name === "xchg" || name.startsWith("fetch_");
  const update = updates[name.replace("fetch_", "")]!;
  return (m) => {
    const word = locate(m, dst, offset, size);
    const old = word.get();
    word.set(update(old, operandOf(m, src, size)));
    if (fetches) {
      m.u64[src] = old;
    }
  };
}

function compareAndExchange(m: Machine, dst: number, offset: number, src: number, size: 4 | 8): void {
  const word = locate(m, dst, offset, size);
  const old = word.get();
  if (old === operandOf(m, 0, size)) {
    word.set(operandOf(m, src, size));
  }
  m.u64[0] = old;
}

function operandOf(m: Machine, register: number, size: 4 | 8): bigint {
  return size === 8 ? m.u64[register]! : BigInt(m.u32[register * 2]!);
}

interface Word {
  get(): bigint;
  set(value: bigint): void;
}

/** The verifier demands natural alignment of atomics on every machine (check_atomic_rmw). */
function locate(m: Machine, dst: number, offset: number, size: 4 | 8): Word {
  const { memory } = m;
  const region = memory.locateForStore(m.u32[dst * 2 + 1]!, m.u32[dst * 2]! + offset, size);
  const { at } = memory;
  if ((m.u32[dst * 2]! + offset) % size !== 0) {
    throw new FaultReason(`atomic access to ${region.name} is not aligned to ${size} bytes`);
  }
  const { view } = region;
  if (size === 8) {
    return { get: () => view.getBigUint64(at, true), set: (value) => view.setBigUint64(at, value, true) };
  }
  return {
    get: () => BigInt(view.getUint32(at, true)),
    set: (value) => view.setUint32(at, Number(value & 0xffff_ffffn), true),
  };
}
