import { type BtfReader, deepest } from "./btf-reader.ts";
import type { BtfComposite, BtfId, BtfMember } from "./btf-types.ts";

/** Where a member lies in a struct. */
export interface MemberLocation {
  /** The declared type, with its typedefs and qualifiers. */
  readonly type: BtfId;
  /** Bits from the start of the outermost struct. */
  readonly bitOffset: number;
  /** Bytes of the member's type; undefined for a flexible array of unknown elements. */
  readonly size: number | undefined;
  /** Bits of a bit field; 0 for an ordinary member. */
  readonly bitfieldSize: number;
}

/**
 * The member of a struct or union at a path such as `"__sk_common.skc_daddr"` or `"comm[3]"`. Members of anonymous
 * structs and unions are found as in C; pointers are not followed. Undefined if there is none.
 */
export function member(btf: BtfReader, structure: BtfId, path: string): MemberLocation | undefined {
  let location: MemberLocation | undefined = { type: structure, bitOffset: 0, size: undefined, bitfieldSize: 0 };
  for (const step of path.split(".")) {
    const [, name, indices] = /^([^[\]]+)((?:\[\d+\])*)$/.exec(step) ?? [];
    if (name === undefined || indices === undefined) return undefined;
    location = stepInto(btf, location, name);
    for (const [, index] of indices.matchAll(/\[(\d+)\]/g)) location &&= elementOf(btf, location, Number(index));
    if (!location) return undefined;
  }
  return location;
}

/** All named members with their offsets, those of anonymous structs and unions included, in order of declaration. */
export function members(btf: BtfReader, structure: BtfId): (MemberLocation & { readonly name: string })[] {
  return collect(btf, structure, 0);
}

function collect(btf: BtfReader, structure: BtfId, depth: number): (MemberLocation & { readonly name: string })[] {
  const composite = compositeOf(btf, structure);
  if (!composite || depth > deepest) return [];
  return composite.members.flatMap((item) => {
    const location = locate(btf, item, 0);
    if (item.name !== "") return [{ name: item.name, ...location }];
    return collect(btf, item.type, depth + 1).map((inner) => ({
      ...inner,
      bitOffset: location.bitOffset + inner.bitOffset,
    }));
  });
}

function stepInto(btf: BtfReader, base: MemberLocation, name: string, depth = 0): MemberLocation | undefined {
  if (depth > deepest) return undefined;
  const composite = compositeOf(btf, base.type);
  for (const item of composite?.members ?? []) {
    if (item.name === name) return locate(btf, item, base.bitOffset);
    if (item.name !== "") continue;
    const found = stepInto(btf, locate(btf, item, base.bitOffset), name, depth + 1);
    if (found) return found;
  }
  return undefined;
}

function elementOf(btf: BtfReader, array: MemberLocation, index: number): MemberLocation | undefined {
  const type = btf.type(btf.resolve(array.type));
  if (type?.kind !== "array") return undefined;
  const size = btf.sizeOf(type.element);
  // A count of 0 is a flexible array, whose length the type does not know.
  if (size === undefined || (type.count > 0 && index >= type.count)) return undefined;
  return { type: type.element, bitOffset: array.bitOffset + index * size * 8, size, bitfieldSize: 0 };
}

function compositeOf(btf: BtfReader, id: BtfId): BtfComposite | undefined {
  const type = btf.type(btf.resolve(id));
  return type?.kind === "struct" || type?.kind === "union" ? type : undefined;
}

function locate(btf: BtfReader, item: BtfMember, base: number): MemberLocation {
  const size = btf.sizeOf(item.type);
  const bitOffset = base + item.bitOffset;
  if (item.bitfieldSize > 0) return { type: item.type, bitOffset, size, bitfieldSize: item.bitfieldSize };
  // Blobs of old compilers say it in the integer's own width.
  const type = btf.type(btf.resolve(item.type));
  if (type?.kind === "int" && type.bits < type.size * 8 && type.encoding !== "bool") {
    return { type: item.type, bitOffset: bitOffset + type.bitOffset, size, bitfieldSize: type.bits };
  }
  return { type: item.type, bitOffset, size, bitfieldSize: 0 };
}
