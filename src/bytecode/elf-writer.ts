import { ByteWriter } from "./byte-writer.ts";
import {
  elfHeaderSize,
  machineBpf,
  objectType,
  relocationSize,
  sectionHeaderSize,
  sectionTypes,
  symbolBindings,
  symbolSize,
  symbolTypes,
} from "./elf-format.ts";
import { StringTable } from "./string-table.ts";

export interface ElfSymbol {
  /** Empty for a section symbol. */
  readonly name: string;
  readonly type: keyof typeof symbolTypes;
  readonly binding: keyof typeof symbolBindings;
  /** Index of the section that holds it. */
  readonly section: number;
  readonly value: number;
  readonly size: number;
}

interface Section {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly align: number;
  readonly link: number;
  readonly info: number;
  readonly entrySize: number;
  readonly data: Uint8Array;
  /** Bytes at run time; differs from `data` for `.bss`. */
  readonly size: number;
}

/** Writes a relocatable ELF-64 file for eBPF: sections in the order they were added, then symbols and strings. */
export class ElfWriter {
  readonly #sections: Section[] = [];
  readonly #symbols: ElfSymbol[] = [];
  readonly #relocations: { readonly target: number; readonly entries: readonly ElfRelocationEntry[] }[] = [];

  /** Adds a section and gives its index in the file. */
  section(
    name: string,
    data: Uint8Array,
    options: { type?: number; flags?: number; align?: number; size?: number } = {},
  ): number {
    return this.#sections.push({
      name,
      type: options.type ?? sectionTypes.progbits,
      flags: options.flags ?? 0,
      align: options.align ?? 1,
      link: 0,
      info: 0,
      entrySize: 0,
      data,
      size: options.size ?? data.length,
    });
  }

  /** Adds a symbol; relocations refer to the object itself. */
  symbol(symbol: ElfSymbol): ElfSymbol {
    this.#symbols.push(symbol);
    return symbol;
  }

  /** Relocations of the section with index `target`. */
  relocations(target: number, entries: readonly ElfRelocationEntry[]): void {
    if (entries.length > 0) this.#relocations.push({ target, entries });
  }

  finish(): Uint8Array<ArrayBuffer> {
    // ELF wants local symbols before the others.
    const symbols = [
      ...this.#symbols.filter((symbol) => symbol.binding === "local"),
      ...this.#symbols.filter((symbol) => symbol.binding !== "local"),
    ];
    const symtabIndex = this.#sections.length + this.#relocations.length + 1;
    const strings = new StringTable();
    const all = [
      ...this.#sections,
      ...this.#relocations.map((table) => this.#relocationSection(table.target, table.entries, symbols, symtabIndex)),
      symbolSection(symbols, strings, symtabIndex + 1),
    ];
    for (const section of all) strings.add(section.name);
    strings.add(".strtab");
    return layOut([...all, plainSection(".strtab", sectionTypes.strtab, strings.toBytes())], strings);
  }

  #relocationSection(
    target: number,
    entries: readonly ElfRelocationEntry[],
    symbols: readonly ElfSymbol[],
    link: number,
  ): Section {
    const out = new ByteWriter();
    for (const entry of entries) {
      const symbol = symbols.indexOf(entry.symbol) + 1;
      out.u64(entry.offset).u64((BigInt(symbol) << 32n) | BigInt(entry.type));
    }
    const name = `.rel${this.#sections[target - 1]!.name}`;
    const section = plainSection(name, sectionTypes.rel, out.finish());
    return { ...section, align: 8, link, info: target, entrySize: relocationSize };
  }
}

export interface ElfRelocationEntry {
  /** Bytes from the start of the relocated section. */
  readonly offset: number;
  readonly type: number;
  readonly symbol: ElfSymbol;
}

function plainSection(name: string, type: number, data: Uint8Array): Section {
  return { name, type, flags: 0, align: 1, link: 0, info: 0, entrySize: 0, data, size: data.length };
}

function symbolSection(symbols: readonly ElfSymbol[], strings: StringTable, link: number): Section {
  const out = new ByteWriter().bytes(new Uint8Array(symbolSize));
  for (const symbol of symbols) {
    const info = (symbolBindings[symbol.binding] << 4) | symbolTypes[symbol.type];
    out.u32(strings.add(symbol.name)).u8(info).u8(0).u16(symbol.section).u64(symbol.value).u64(symbol.size);
  }
  const locals = symbols.filter((symbol) => symbol.binding === "local").length;
  const section = plainSection(".symtab", sectionTypes.symtab, out.finish());
  return { ...section, align: 8, link, info: locals + 1, entrySize: symbolSize };
}

function layOut(sections: readonly Section[], strings: StringTable): Uint8Array<ArrayBuffer> {
  const body = new ByteWriter().bytes(new Uint8Array(elfHeaderSize));
  const offsets = sections.map((section) => {
    const offset = body.align(section.align).length;
    body.bytes(section.data);
    return offset;
  });
  const table = body.align(8).length;
  body.bytes(new Uint8Array(sectionHeaderSize));
  for (const [index, section] of sections.entries()) {
    body.u32(strings.add(section.name)).u32(section.type).u64(section.flags).u64(0);
    body.u64(offsets[index]!).u64(section.size).u32(section.link).u32(section.info);
    body.u64(section.align).u64(section.entrySize);
  }
  const file = body.finish();
  file.set(fileHeader(table, sections.length + 1));
  return file;
}

/** The names of sections are in the last section, which the symbols share. */
function fileHeader(sectionTable: number, sectionCount: number): Uint8Array {
  const out = new ByteWriter();
  out.bytes(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0)).u64(0);
  out.u16(objectType.relocatable).u16(machineBpf).u32(1).u64(0).u64(0).u64(sectionTable);
  out.u32(0).u16(elfHeaderSize).u16(0).u16(0).u16(sectionHeaderSize).u16(sectionCount);
  return out.u16(sectionCount - 1).finish();
}
