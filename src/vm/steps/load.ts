import type { Instruction } from "../../bytecode/instruction.ts";
import { accessSize, Mode } from "../../bytecode/opcode.ts";
import type { Step } from "../code.ts";
import type { Machine } from "../machine.ts";
import { checkWritten, type Region } from "../memory.ts";

/** Puts the value at `memory.at` of the region into the register with word index `d`. */
type Reader = (m: Machine, region: Region, d: number) => void;

const unsigned: Readonly<Record<number, Reader>> = {
  1: (m, region, d) => set(m, d, region.view.getUint8(m.memory.at), 0),
  2: (m, region, d) => set(m, d, region.view.getUint16(m.memory.at, true), 0),
  4: (m, region, d) => set(m, d, region.view.getInt32(m.memory.at, true), 0),
  8: (m, region, d) => set(m, d, region.view.getInt32(m.memory.at, true), region.view.getInt32(m.memory.at + 4, true)),
};

const signed: Readonly<Record<number, Reader>> = {
  1: (m, region, d) => setSigned(m, d, region.view.getInt8(m.memory.at)),
  2: (m, region, d) => setSigned(m, d, region.view.getInt16(m.memory.at, true)),
  4: (m, region, d) => setSigned(m, d, region.view.getInt32(m.memory.at, true)),
};

/** `ldx`, zero- or sign-extending. */
export function loadStep({ opcode, dst, src, offset }: Instruction): Step | undefined {
  const size = accessSize(opcode);
  const mode = opcode & 0xe0;
  const read = mode === Mode.mem ? unsigned[size] : mode === Mode.memsx ? signed[size] : undefined;
  if (read === undefined) {
    return undefined;
  }
  const d = dst * 2;
  const s = src * 2;
  return (m) => {
    const region = m.memory.locate(m.u32[s + 1]!, m.u32[s]! + offset, size);
    if (region.fields !== undefined || region.written !== undefined) {
      const field = specialLoad(m, region, size);
      if (field !== undefined) {
        m.u64[dst] = field;
        return;
      }
    }
    read(m, region, d);
  };
}

function specialLoad(m: Machine, region: Region, size: number): bigint | undefined {
  checkWritten(region, m.memory.at, size);
  const at = m.memory.at;
  const field = region.fields?.load(at, size);
  m.memory.at = at;
  return field;
}

function set(m: Machine, d: number, low: number, high: number): void {
  m.i32[d] = low;
  m.i32[d + 1] = high;
}

function setSigned(m: Machine, d: number, value: number): void {
  m.i32[d] = value;
  m.i32[d + 1] = value >> 31;
}
