import { type Instruction, PseudoSource } from "../bytecode/instruction.ts";
import { IovisorError } from "../errors.ts";
import { type Code, prepare } from "./code.ts";
import type { VmMap } from "./maps/map.ts";

/** A program whose `lddw` and `call` instructions name maps and kernel functions, as the compiler makes it. */
export interface LinkableProgram {
  readonly name?: string;
  readonly instructions: readonly Instruction[];
  /** `index` is a position in `instructions`; with `offset` the address of that byte of the map's value. */
  readonly mapReferences?: readonly { readonly index: number; readonly map: string; readonly offset?: number }[];
  readonly kernelFunctions?: readonly { readonly index: number; readonly name: string }[];
}

/** Binds a program to maps of the machine. Throws `E_USAGE` for a map that was not given. */
export function link(program: LinkableProgram, maps: Readonly<Record<string, VmMap>> = {}): Code {
  const instructions = [...program.instructions];
  const used: VmMap[] = [];
  for (const { index, map, offset } of program.mapReferences ?? []) {
    const number = numberOf(used, maps[map], map);
    const src = offset === undefined ? PseudoSource.mapFd : PseudoSource.mapValue;
    const wide = BigInt(number) | (BigInt(offset ?? 0) << 32n);
    instructions[index] = { ...instructions[index]!, src, imm: number, wide };
  }
  const kfuncNames = new Map<number, string>();
  for (const { index, name } of program.kernelFunctions ?? []) {
    kfuncNames.set(index, name);
    instructions[index] = { ...instructions[index]!, src: PseudoSource.kfuncCall, imm: index };
  }
  return prepare(instructions, { maps: used, kfuncNames }, program.name);
}

function numberOf(used: VmMap[], map: VmMap | undefined, name: string): number {
  if (map === undefined) {
    const remedy = "pass every map that the program refers to";
    throw new IovisorError("E_USAGE", `the program refers to map "${name}", which was not given`, remedy);
  }
  const known = used.indexOf(map);
  return known === -1 ? used.push(map) - 1 : known;
}
