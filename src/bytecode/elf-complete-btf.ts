/**
 * Compilers of the LLVM family leave the sizes of data sections in BTF, and the places of variables in them, at 0; the
 * loader fills them in from the section and symbol tables (libbpf.c, btf_fixup_datasec). The kernel refuses BTF whose
 * sections are empty or whose variables are not in order (kernel/bpf/btf.c, btf_datasec_check_meta).
 */
import { indexRecords, splitBlob } from "./btf-blob.ts";
import { BtfReader } from "./btf-reader.ts";
import type { BtfDataSection, BtfSectionVariable } from "./btf-types.ts";
import { badObject, type ElfFile, type ReadSection } from "./elf-reader.ts";

const WORD = 4;
const HEADER = { length: 4, types: 8 } as const;
/** Words of a record before its variables, and of each variable. */
const RECORD_WORDS = 3;
const SIZE_WORD = 2;

/**
 * The `.BTF` section `blob` of `file` with the sizes and offsets of its data sections. What is filled in already stays;
 * the given bytes are left alone. Throws E_FORMAT for a variable without a symbol.
 */
export function completeBtf(file: ElfFile, blob: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(blob);
  const btf = new BtfReader(blob);
  const records = indexRecords(splitBlob(bytes).words);
  const view = new DataView(bytes.buffer);
  const types = view.getUint32(HEADER.length, true) + view.getUint32(HEADER.types, true);
  for (let id = 1; id <= btf.count; id++) {
    if (btf.kind(id) !== "datasec") continue;
    const type = btf.type(id) as BtfDataSection;
    // Sections of what lies elsewhere (.ksyms, .kconfig) exist in BTF alone.
    const section = file.section(type.name);
    if (type.size !== 0 || !section) continue;
    const start = types + records[id]! * WORD;
    view.setUint32(start + SIZE_WORD * WORD, section.size, true);
    for (const [index, variable] of placed(file, section, btf, type.variables).entries()) {
      const at = start + (RECORD_WORDS + index * 3) * WORD;
      view.setUint32(at, variable.type, true);
      view.setUint32(at + WORD, variable.offset, true);
      view.setUint32(at + 2 * WORD, variable.size, true);
    }
  }
  return bytes;
}

/** The variables with the offsets of their symbols, in the order of the section. */
function placed(
  file: ElfFile,
  section: ReadSection,
  btf: BtfReader,
  variables: readonly BtfSectionVariable[],
): BtfSectionVariable[] {
  const symbols = file.symbols.filter((symbol) => symbol.type === "object" && symbol.section === section.index);
  return variables
    .map((variable) => {
      const name = btf.name(variable.type);
      const symbol = symbols.find((item) => item.name === name);
      if (!symbol) throw badObject(`variable ${name} of ${section.name} has no symbol`);
      return { ...variable, offset: symbol.value };
    })
    .sort((a, b) => a.offset - b.offset);
}
