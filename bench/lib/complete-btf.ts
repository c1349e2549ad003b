/**
 * clang leaves the sizes of data sections in BTF, and the places of variables in them, at 0; libbpf fills them in from
 * the section and symbol tables (libbpf.c, btf_fixup_datasec). Done here in the object's own bytes, so that objects
 * with several maps can be read and their BTF loaded.
 */
import { readElf } from "../../src/bytecode/elf-reader.ts";

const HEADER = { length: 4, types: 8, typesLength: 12, strings: 16 } as const;
const TYPE_SIZE = 12;
const KIND_VAR = 14;
const KIND_DATASEC = 15;

/** Bytes behind a type's first 12, by kind (Documentation/bpf/btf.rst). */
function extraBytes(kind: number, count: number): number {
  switch (kind) {
    case 1:
    case KIND_VAR:
    case 17:
      return 4;
    case 3:
      return 12;
    case 4:
    case 5:
    case KIND_DATASEC:
    case 19:
      return 12 * count;
    case 6:
    case 13:
      return 8 * count;
    default:
      return 0;
  }
}

/** The object with sizes and offsets of data sections in its BTF. */
export function completeBtf(object: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(object);
  const file = readElf(bytes);
  const btf = file.section(".BTF")?.data;
  if (!btf) return bytes;
  const view = new DataView(btf.buffer, btf.byteOffset, btf.byteLength);
  const start = view.getUint32(HEADER.length, true) + view.getUint32(HEADER.types, true);
  const end = start + view.getUint32(HEADER.typesLength, true);
  const strings = view.getUint32(HEADER.length, true) + view.getUint32(HEADER.strings, true);
  const nameAt = (offset: number) => {
    const from = strings + offset;
    return new TextDecoder().decode(btf.subarray(from, btf.indexOf(0, from)));
  };
  const variables = new Map<number, string>();
  for (let at = start, id = 1; at < end; id++) {
    const info = view.getUint32(at + 4, true);
    const [kind, count] = [(info >>> 24) & 0x1f, info & 0xffff];
    if (kind === KIND_VAR) variables.set(id, nameAt(view.getUint32(at, true)));
    if (kind === KIND_DATASEC) {
      const section = file.section(nameAt(view.getUint32(at, true)));
      if (section) view.setUint32(at + 8, section.size, true);
      for (let index = 0; index < count; index++) {
        const entry = at + TYPE_SIZE + index * 12;
        const name = variables.get(view.getUint32(entry, true));
        const symbol = file.symbols.find((each) => each.name === name);
        if (symbol) view.setUint32(entry + 4, symbol.value, true);
      }
    }
    at += TYPE_SIZE + extraBytes(kind, count);
  }
  return bytes;
}
