import { IovisorError } from "../errors.ts";
import {
  elfHeaderSize,
  machineBpf,
  relocationSize,
  sectionHeaderSize,
  sectionTypes,
  symbolBindings,
  symbolSize,
  symbolTypes,
} from "./elf-format.ts";

export interface ReadSection {
  readonly index: number;
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  /** Empty for `.bss`. */
  readonly data: Uint8Array;
  readonly size: number;
  readonly link: number;
  readonly info: number;
}

export interface ReadSymbol {
  readonly name: string;
  /** "other" for types that objects of eBPF have no use for. */
  readonly type: keyof typeof symbolTypes | "other";
  readonly binding: keyof typeof symbolBindings | "other";
  /** 0 where the symbol is undefined here. */
  readonly section: number;
  readonly value: number;
  readonly size: number;
}

export interface ReadRelocation {
  /** Bytes from the start of the section. */
  readonly offset: number;
  readonly type: number;
  readonly symbol: ReadSymbol;
}

/** A relocatable ELF-64 file for eBPF, taken apart. */
export interface ElfFile {
  readonly sections: readonly ReadSection[];
  readonly symbols: readonly ReadSymbol[];
  /** The relocations of a section, in order of offset. */
  relocationsOf(section: ReadSection): readonly ReadRelocation[];
  section(name: string): ReadSection | undefined;
}

/** Throws E_FORMAT unless `contents` are a little-endian 64-bit ELF file for eBPF whose tables lie inside it. */
export function readElf(contents: Uint8Array): ElfFile {
  // A plain array: on a Node Buffer, `slice` would not copy.
  const bytes = new Uint8Array(contents.buffer, contents.byteOffset, contents.byteLength);
  const view = checkHeader(bytes);
  const sections = readSections(bytes, view);
  const symtab = sections.find((section) => section.type === sectionTypes.symtab);
  const symbols = symtab ? readSymbols(symtab, sections) : [];
  return {
    sections,
    symbols,
    section: (name) => sections.find((section) => section.name === name),
    relocationsOf: (target) =>
      sections
        .filter((section) => section.type === sectionTypes.rel && section.info === target.index)
        .flatMap((section) => readRelocations(section, symbols))
        .sort((a, b) => a.offset - b.offset),
  };
}

export function badObject(reason: string): IovisorError {
  return new IovisorError(
    "E_FORMAT",
    `not an eBPF object: ${reason}`,
    "pass an object file compiled for the bpf target",
  );
}

function checkHeader(bytes: Uint8Array): DataView {
  const view = viewOf(bytes);
  if (bytes.length < elfHeaderSize || view.getUint32(0) !== 0x7f454c46) throw badObject("it has no ELF header");
  if (bytes[4] !== 2 || bytes[5] !== 1) throw badObject("it is not 64-bit little-endian");
  const machine = view.getUint16(18, true);
  if (machine !== machineBpf) throw badObject(`it is for machine ${machine}; eBPF is ${machineBpf}`);
  return view;
}

function readSections(bytes: Uint8Array, file: DataView): ReadSection[] {
  const table = wide(file, 40);
  const count = file.getUint16(60, true);
  const names = file.getUint16(62, true);
  if (table + count * sectionHeaderSize > bytes.length) throw badObject("its section table is cut off");
  const headers = Array.from({ length: count }, (_, index) => {
    const at = table + index * sectionHeaderSize;
    const type = file.getUint32(at + 4, true);
    const offset = wide(file, at + 24);
    const size = wide(file, at + 32);
    const stored = type === sectionTypes.nobits || type === sectionTypes.null ? 0 : size;
    if (offset + stored > bytes.length) throw badObject(`section ${index} ends past the end of the file`);
    return {
      index,
      nameOffset: file.getUint32(at, true),
      type,
      flags: wide(file, at + 8),
      data: bytes.subarray(offset, offset + stored),
      size,
      link: file.getUint32(at + 40, true),
      info: file.getUint32(at + 44, true),
    };
  });
  const strings = headers[names]?.data ?? new Uint8Array(0);
  return headers.map(({ nameOffset, ...header }) => ({ ...header, name: stringAt(strings, nameOffset) }));
}

function readSymbols(symtab: ReadSection, sections: readonly ReadSection[]): ReadSymbol[] {
  const strings = sections[symtab.link]?.data ?? new Uint8Array(0);
  const view = viewOf(symtab.data);
  return Array.from({ length: Math.floor(symtab.data.length / symbolSize) }, (_, index) => {
    const at = index * symbolSize;
    const info = view.getUint8(at + 4);
    return {
      name: stringAt(strings, view.getUint32(at, true)),
      type: keyOf(symbolTypes, info & 0xf),
      binding: keyOf(symbolBindings, info >> 4),
      section: view.getUint16(at + 6, true),
      value: wide(view, at + 8),
      size: wide(view, at + 16),
    };
  });
}

function readRelocations(section: ReadSection, symbols: readonly ReadSymbol[]): ReadRelocation[] {
  const view = viewOf(section.data);
  return Array.from({ length: Math.floor(section.data.length / relocationSize) }, (_, index) => {
    const at = index * relocationSize;
    const number = view.getUint32(at + 12, true);
    const symbol = symbols[number];
    if (!symbol) throw badObject(`${section.name} refers to symbol ${number} of ${symbols.length}`);
    return { offset: wide(view, at), type: view.getUint32(at + 8, true), symbol };
  });
}

function keyOf<K extends string>(table: Readonly<Record<K, number>>, value: number): K | "other" {
  return (Object.keys(table) as K[]).find((key) => table[key] === value) ?? "other";
}

function stringAt(strings: Uint8Array, offset: number): string {
  const end = strings.indexOf(0, offset);
  return new TextDecoder().decode(strings.subarray(offset, end < 0 ? strings.length : end));
}

/** A 64-bit field; one beyond 2^53 is nonsense in a file and fails the bounds checks. */
function wide(view: DataView, at: number): number {
  return Number(view.getBigUint64(at, true));
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
