/** A program in the kernel with its maps, whichever compiler made it. */
import { encodeFunctionInfo } from "../../src/bytecode/btf-ext.ts";
import { decode } from "../../src/bytecode/decode.ts";
import { readObject } from "../../src/bytecode/elf-read-object.ts";
import { slotOffsets } from "../../src/bytecode/instruction.ts";
import { IovisorError } from "../../src/errors.ts";
import { KernelMap } from "../../src/kernel/maps.ts";
import { KernelProgram } from "../../src/kernel/programs.ts";
import { mapTypes, nameOf } from "../../src/kernel/sys/constants.ts";

export type Maps = ReadonlyMap<string, KernelMap>;

export interface LoadedProgram extends Disposable {
  readonly program: KernelProgram;
  readonly maps: Maps;
  /** How many the compiler made, before the verifier's rewrites. */
  readonly instructions: number;
}

/** Loads the one program of an object and makes its maps. */
export function loadObject(bytes: Uint8Array, entry?: string): LoadedProgram {
  const object = readObject(bytes);
  const linked = object.programs.find(({ name }) => entry === undefined || name === entry);
  if (!linked)
    throw new IovisorError("E_USAGE", `the object has no program ${entry ?? ""}`, "give it one in a section");
  using owned = new DisposableStack();
  const maps = new Map(object.maps.map((map) => [map.name, owned.use(createMap(map))]));
  const instructions = decode(linked.code);
  const starts = slotOffsets(instructions);
  const mapReferences = linked.mapReferences.map(({ slot, map }) => ({ index: starts.indexOf(slot), map }));
  const { license, btf } = object;
  const types = btf && { btf: { data: btf, functionInfo: encodeFunctionInfo(linked.functions) } };
  const spec = {
    name: linked.name,
    type: "xdp",
    expectedAttachType: "xdp",
    instructions,
    mapReferences,
    license,
    ...types,
  } as const;
  const program = owned.use(KernelProgram.load(spec, { maps: Object.fromEntries(maps) }));
  const all = owned.move();
  return { program, maps, instructions: instructions.length, [Symbol.dispose]: () => all.dispose() };
}

type ObjectMap = ReturnType<typeof readObject>["maps"][number];

function createMap({ name, type, keySize, valueSize, maxEntries, flags }: ObjectMap): KernelMap {
  const typeName = nameOf(mapTypes, type) as keyof typeof mapTypes;
  return KernelMap.create({ name, type: typeName, keySize, valueSize, maxEntries, flags });
}
