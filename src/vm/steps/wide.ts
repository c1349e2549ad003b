import { wideOf } from "../../bytecode/encode.ts";
import { type Instruction, PseudoSource } from "../../bytecode/instruction.ts";
import { mapOf, type Step } from "../code.ts";
import { FaultReason } from "../fault.ts";
import { FUNCTION_HIGH, type Machine } from "../machine.ts";
import { mapAddress, valueAddress } from "../maps/address.ts";
import type { VmMap } from "../maps/map.ts";

/** `lddw`: a constant, or the address of a map, of a map's value, or of a function. It steps over its second slot. */
export function wideStep(instruction: Instruction, slot: number): Step | undefined {
  const { dst, src } = instruction;
  const value = wideOf(instruction);
  const low = Number(value & 0xffff_ffffn);
  const high = Number(value >> 32n);
  switch (src) {
    case 0:
      return (m) => {
        m.pc++;
        m.u32[dst * 2] = low;
        m.u32[dst * 2 + 1] = high;
      };
    case PseudoSource.mapFd:
    case PseudoSource.mapIndex:
      return (m) => {
        m.pc++;
        m.u64[dst] = mapAddress(m, mapFor(m, low));
      };
    case PseudoSource.mapValue:
    case PseudoSource.mapIndexValue:
      return (m) => {
        m.pc++;
        m.u64[dst] = firstValue(m, mapFor(m, low)) + BigInt(high);
      };
    case PseudoSource.func:
      return (m) => {
        m.pc++;
        m.u32[dst * 2] = slot + 1 + (low | 0);
        m.u32[dst * 2 + 1] = FUNCTION_HIGH;
      };
    case PseudoSource.btfId:
      return () => {
        throw new FaultReason("the machine has no kernel variables");
      };
    default:
      return undefined;
  }
}

function mapFor(m: Machine, number: number): VmMap {
  const map = mapOf(m.code, number);
  if (map === undefined) {
    throw new FaultReason(`the program was given no map ${number}`);
  }
  return map;
}

/** Only arrays with one element have such addresses (array_map_direct_value_addr in kernel/bpf/arraymap.c). */
function firstValue(m: Machine, map: VmMap): bigint {
  const value = map.spec.type === "array" && map.spec.maxEntries === 1 ? map.find(new Uint8Array(4), 0) : undefined;
  if (value === undefined) {
    throw new FaultReason(`map ${map.spec.name} is no array with one element, so that its value has no fixed address`);
  }
  return valueAddress(m, map, value);
}
