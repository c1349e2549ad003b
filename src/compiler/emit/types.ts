import type { BtfBuilder, MemberSpec } from "../../bytecode/btf-builder.ts";
import type { BtfId } from "../../bytecode/btf-types.ts";
import type { Field, Layout } from "../hir/layout.ts";

/** The BTF type of a layout: what bpftool and the kernel show keys, values and events by. */
export function typeOfLayout(btf: BtfBuilder, layout: Layout): BtfId {
  switch (layout.kind) {
    case "integer":
      return integerType(btf, layout.bits, layout.signed, layout.order === "big");
    case "bits":
      return integerType(btf, layout.bits, false, layout.order === "big");
    case "bool":
      return btf.int("bool", 1, { bool: true });
    case "bytes":
      return btf.array(btf.int("u8", 1), layout.length);
    case "array":
      return btf.array(typeOfLayout(btf, layout.element), layout.length);
    case "struct":
      return btf.struct(layout.name, layout.size, members(btf, layout.fields));
    case "union":
      return btf.union(
        layout.name,
        layout.size,
        layout.fields.map((field) => memberOf(btf, field)),
      );
    case "opaque":
      return opaqueType(btf, layout.what);
  }
}

/** Big-endian integers are typedefs as in include/uapi/linux/types.h, so that a reader of a dump knows. */
function integerType(btf: BtfBuilder, bits: number, signed: boolean, big: boolean): BtfId {
  const plain = btf.int(`${signed ? "i" : "u"}${bits}`, bits / 8, { signed });
  return big && bits > 8 ? btf.typedef(`__be${bits}`, plain) : plain;
}

/** The kernel finds these by their names (btf_parse_fields, kernel/bpf/btf.c). */
function opaqueType(btf: BtfBuilder, what: "spinLock" | "timer"): BtfId {
  const word = btf.int("u32", 4);
  if (what === "spinLock") return btf.struct("bpf_spin_lock", 4, [{ name: "val", type: word, bitOffset: 0 }]);
  const wide = btf.int("u64", 8);
  return btf.struct("bpf_timer", 16, [{ name: "__opaque", type: btf.array(wide, 2), bitOffset: 0 }]);
}

function memberOf(btf: BtfBuilder, field: Field): MemberSpec {
  return { name: field.name, type: typeOfLayout(btf, field.layout), bitOffset: field.offset * 8 };
}

/** Bit fields that share a storage unit become one member with the names of all: BTF counts bits the other way. */
function members(btf: BtfBuilder, fields: readonly Field[]): readonly MemberSpec[] {
  const units = new Map<number, MemberSpec>();
  for (const field of fields) {
    const known = units.get(field.offset);
    if (known && field.layout.kind === "bits") {
      units.set(field.offset, { ...known, name: `${known.name}_${field.name}` });
    } else if (!known) {
      units.set(field.offset, memberOf(btf, field));
    }
  }
  return [...units.values()];
}
