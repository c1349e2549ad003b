import type { BtfBuilder, MemberSpec } from "./btf-builder.ts";
import type { BtfId, BtfSectionVariable } from "./btf-types.ts";
import type { MapSpec } from "./object-spec.ts";

/** A map's place in the `.maps` section. */
export interface MapSlot {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

/**
 * Describes maps in BTF the way libbpf reads them (parse_btf_map_def in its libbpf.c): a variable per map in section
 * `.maps`, whose anonymous struct has a pointer member per attribute. A number is the length of an array that the
 * pointer points to, a type is what it points to.
 */
export function describeMaps(maps: readonly MapSpec[], btf: BtfBuilder): MapSlot[] {
  const slots: MapSlot[] = [];
  const variables: BtfSectionVariable[] = [];
  let offset = 0;
  for (const map of maps) {
    const { type, size } = definition(map, btf);
    slots.push({ name: map.name, offset, size });
    variables.push({ type: btf.var(map.name, type), offset, size });
    offset += size;
  }
  if (maps.length > 0) btf.datasec(".maps", offset, variables);
  return slots;
}

function definition(map: MapSpec, btf: BtfBuilder): { type: BtfId; size: number } {
  const members: MemberSpec[] = [];
  const put = (name: string, type: BtfId) => members.push({ name, type, bitOffset: members.length * 64 });
  const number = (name: string, value: number) => {
    if (value > 0) put(name, btf.pointer(btf.array(btf.int("int", 4, { signed: true }), value)));
  };
  number("type", map.type);
  if (map.keyType === undefined) number("key_size", map.keySize);
  else put("key", btf.pointer(map.keyType));
  if (map.valueType === undefined) number("value_size", map.valueSize);
  else put("value", btf.pointer(map.valueType));
  number("max_entries", map.maxEntries);
  number("map_flags", map.flags);
  const size = members.length * 8;
  // `__array(values, struct inner)`: a flexible array of pointers to the inner map's definition, of no size itself.
  if (map.inner) put("values", btf.array(btf.pointer(definition(map.inner, btf).type), 0));
  return { type: btf.struct("", size, members), size };
}
