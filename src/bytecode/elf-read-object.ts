import { readBtfExt } from "./btf-ext-reader.ts";
import { BtfReader } from "./btf-reader.ts";
import { completeBtf } from "./elf-complete-btf.ts";
import { sectionFlags, sectionTypes } from "./elf-format.ts";
import { type LinkedProgram, linkProgram } from "./elf-link.ts";
import { type ReadMap, readMaps } from "./elf-read-maps.ts";
import { type ReadSection, readElf } from "./elf-reader.ts";

/** What an object file holds, from this project's compiler or from clang. */
export interface ReadObject {
  readonly programs: readonly LinkedProgram[];
  readonly maps: readonly ReadMap[];
  /** `.rodata`, `.data` and `.bss` with their contents (zeros for `.bss`). */
  readonly data: readonly { readonly section: string; readonly bytes: Uint8Array }[];
  /** Empty if the object has none. */
  readonly license: string;
  /** The `.BTF` section, with the sizes and offsets of data sections that clang leaves to the loader. */
  readonly btf: Uint8Array | undefined;
}

/**
 * Reads an object and links each of its programs. Maps must be defined in BTF (`SEC(".maps")`). CO-RE relocations are
 * not applied. Throws E_FORMAT where the file does not hold together.
 */
export function readObject(bytes: Uint8Array): ReadObject {
  const file = readElf(bytes);
  const stored = file.section(".BTF")?.data;
  const blob = stored && completeBtf(file, stored);
  const btf = blob && new BtfReader(blob);
  const extended = file.section(".BTF.ext")?.data;
  const maps = btf ? readMaps(btf) : [];
  const records = btf && extended ? readBtfExt(extended, btf) : new Map();
  const entries = file.symbols.filter((symbol) => {
    const section = file.sections[symbol.section];
    return (
      symbol.type === "func" && symbol.binding !== "local" && symbol.size > 0 && !!section && isProgramSection(section)
    );
  });
  return {
    programs: entries.map((entry) => linkProgram({ file, maps, records }, entry)),
    maps,
    data: file.sections.filter(isDataSection).map((section) => ({
      section: section.name,
      bytes: section.type === sectionTypes.nobits ? new Uint8Array(section.size) : section.data,
    })),
    license: licenseOf(file.section("license")),
    btf: blob,
  };
}

function isProgramSection(section: ReadSection): boolean {
  return (section.flags & sectionFlags.executable) !== 0 && section.name !== ".text";
}

function isDataSection(section: ReadSection): boolean {
  return /^\.(rodata|data|bss)(\.|$)/.test(section.name);
}

function licenseOf(section: ReadSection | undefined): string {
  return section ? new TextDecoder().decode(section.data).replace(/\0.*$/s, "") : "";
}
