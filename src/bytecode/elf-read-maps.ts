import type { BtfReader } from "./btf-reader.ts";
import type { BtfId } from "./btf-types.ts";
import { badObject } from "./elf-reader.ts";
import type { MapSpec } from "./object-spec.ts";

/** A map of an object, with its place in the `.maps` section. */
export interface ReadMap extends MapSpec {
  readonly offset: number;
}

/** The maps that an object defines in BTF: the way back of `describeMaps`. */
export function readMaps(btf: BtfReader): ReadMap[] {
  const section = btf.find(".maps", "datasec");
  const type = section === undefined ? undefined : btf.type(section);
  if (type?.kind !== "datasec") return [];
  return type.variables.map(({ type: id, offset }) => {
    const variable = btf.type(id);
    if (variable?.kind !== "var") throw badObject(`.maps holds a ${variable?.kind ?? "void"}, not a variable`);
    return { ...readDefinition(btf, variable.name, variable.type), offset };
  });
}

function readDefinition(btf: BtfReader, name: string, id: BtfId): MapSpec {
  const type = btf.type(btf.resolve(id));
  if (type?.kind !== "struct") throw badObject(`map ${name} is not a struct`);
  const attribute = (wanted: string) => type.members.find((member) => member.name === wanted)?.type;
  const number = (wanted: string) => numberOf(btf, attribute(wanted));
  const keyType = pointee(btf, attribute("key"));
  const valueType = pointee(btf, attribute("value"));
  const inner = innerOf(btf, name, attribute("values"));
  return {
    name,
    type: number("type"),
    keySize: keyType === undefined ? number("key_size") : (btf.sizeOf(keyType) ?? 0),
    valueSize: valueType === undefined ? number("value_size") || (inner ? 4 : 0) : (btf.sizeOf(valueType) ?? 0),
    maxEntries: number("max_entries"),
    flags: number("map_flags"),
    ...(keyType === undefined ? {} : { keyType }),
    ...(valueType === undefined ? {} : { valueType }),
    ...(inner ? { inner } : {}),
  };
}

/** A number is the length of the array behind a pointer; an attribute that is not there counts as 0. */
function numberOf(btf: BtfReader, id: BtfId | undefined): number {
  const target = pointee(btf, id);
  const array = target === undefined ? undefined : btf.type(target);
  return array?.kind === "array" ? array.count : 0;
}

function pointee(btf: BtfReader, id: BtfId | undefined): BtfId | undefined {
  const type = id === undefined ? undefined : btf.type(btf.resolve(id));
  return type?.kind === "ptr" ? type.type : undefined;
}

function innerOf(btf: BtfReader, name: string, id: BtfId | undefined): MapSpec | undefined {
  const array = id === undefined ? undefined : btf.type(btf.resolve(id));
  const target = array?.kind === "array" ? pointee(btf, array.element) : undefined;
  // A program array lists functions there, which say nothing about an inner map.
  const isStruct = target !== undefined && btf.kind(btf.resolve(target)) === "struct";
  return isStruct ? readDefinition(btf, `${name}.inner`, target) : undefined;
}
