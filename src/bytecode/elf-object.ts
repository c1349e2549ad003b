import { IovisorError } from "../errors.ts";
import type { BtfBuilder } from "./btf-builder.ts";
import { checkRecords, encodeBtfExt } from "./btf-ext.ts";
import { mangle } from "./btf-names.ts";
import { CodeSection, type CodeTarget, functionOf } from "./elf-code.ts";
import { relocationTypes, sectionFlags, sectionTypes } from "./elf-format.ts";
import { describeMaps } from "./elf-maps.ts";
import { splitProgram } from "./elf-split.ts";
import { type ElfRelocationEntry, type ElfSymbol, ElfWriter } from "./elf-writer.ts";
import { encode } from "./encode.ts";
import type { DataSpec, MapSpec, ObjectSpec, ProgramSpec } from "./object-spec.ts";

/**
 * An object file that libbpf, bpftool and other loaders take. Needs no kernel; the loader's own rules on section names
 * hold (libbpf learnt `tcx/...` in 1.3). Throws E_FORMAT where references, functions or records do not fit together.
 */
export function writeObject(spec: ObjectSpec): Uint8Array<ArrayBuffer> {
  const btf = spec.btf.clone();
  const writer = new ElfWriter();
  const code = collectCode(spec, btf);
  const indices = new Map<CodeSection, number>();
  for (const section of code) {
    const flags = sectionFlags.alloc | sectionFlags.executable;
    indices.set(section, writer.section(section.name, section.bytes(), { flags, align: 8 }));
  }
  const targets: Targets = {
    maps: writeMaps(spec.maps, writer, btf),
    data: writeData(spec.data ?? [], writer, btf),
    externs: writeExterns(spec.programs, writer, btf),
    text: textSymbol(code, indices, writer),
  };
  const license = new TextEncoder().encode(`${spec.license}\0`);
  writer.section("license", license, { flags: sectionFlags.alloc | sectionFlags.write });
  writeSymbols(code, indices, writer);
  for (const [section, index] of indices) {
    const entries = section.relocations.map(({ offset, target }) => relocate(offset, target, targets, section.name));
    writer.relocations(index, entries);
  }
  const extended = encodeBtfExt(
    code.map((section) => section.records()),
    btf,
  );
  writer.section(".BTF", btf.toBytes(), { align: 4 });
  writer.section(".BTF.ext", extended, { align: 4 });
  return writer.finish();
}

/** Where relocations may point. */
interface Targets {
  readonly maps: ReadonlyMap<string, ElfSymbol>;
  readonly data: ReadonlyMap<string, ElfSymbol>;
  readonly externs: ReadonlyMap<string, ElfSymbol>;
  readonly text: ElfSymbol | undefined;
}

/** `.text` first, where there are subprograms, then a section for each section name. */
function collectCode(spec: ObjectSpec, btf: BtfBuilder): CodeSection[] {
  const text = new CodeSection(".text");
  const sections = new Map<string, CodeSection>();
  for (const program of spec.programs) {
    checkProgram(program);
    const section = sections.get(program.section) ?? new CodeSection(program.section);
    sections.set(program.section, section);
    const named = { ...program, name: mangle(program.name) };
    const { entry, subprograms } = splitProgram(named, encode(program.instructions), btf, text.slots);
    section.append(entry);
    if (subprograms.bytes.length > 0) text.append(subprograms);
  }
  return text.slots > 0 ? [text, ...sections.values()] : [...sections.values()];
}

function checkProgram(program: ProgramSpec): void {
  checkRecords(program.functions, `functions of program ${program.name}`);
  checkRecords(program.lines, `lines of program ${program.name}`);
  if (program.functions.length === 0) {
    throw new IovisorError("E_FORMAT", `program ${program.name} lists no function`, "list its entry at slot 0");
  }
  if (program.section === ".text" || program.section === "") {
    throw new IovisorError(
      "E_FORMAT",
      `program ${program.name} has the section name "${program.section}"`,
      'name its kind, such as "xdp": .text is for subprograms',
    );
  }
}

function writeMaps(maps: readonly MapSpec[], writer: ElfWriter, btf: BtfBuilder): Map<string, ElfSymbol> {
  const slots = describeMaps(maps, btf);
  const last = slots.at(-1);
  if (!last) return new Map();
  const data = new Uint8Array(last.offset + last.size);
  const section = writer.section(".maps", data, { flags: sectionFlags.alloc | sectionFlags.write, align: 8 });
  return new Map(
    slots.map(({ name, offset, size }) => [
      name,
      writer.symbol({ name: mangle(name), type: "object", binding: "global", section, value: offset, size }),
    ]),
  );
}

function writeData(data: readonly DataSpec[], writer: ElfWriter, btf: BtfBuilder): Map<string, ElfSymbol> {
  const symbols = new Map<string, ElfSymbol>();
  for (const { section: name, bytes, variables } of data) {
    const zero = name.startsWith(".bss");
    const section = writer.section(name, zero ? new Uint8Array(0) : bytes, {
      flags: sectionFlags.alloc | (name.startsWith(".rodata") ? 0 : sectionFlags.write),
      type: zero ? sectionTypes.nobits : sectionTypes.progbits,
      align: 8,
      size: bytes.length,
    });
    symbols.set(name, writer.symbol(sectionSymbol(section)));
    for (const { name: variable, offset, size } of variables) {
      const symbol = {
        name: mangle(variable),
        type: "object",
        binding: "global",
        section,
        value: offset,
        size,
      } as const;
      writer.symbol(symbol);
    }
    const described = variables.map((item) => ({ ...item, type: btf.var(item.name, item.type) }));
    if (described.length > 0) btf.datasec(name, bytes.length, described);
  }
  return symbols;
}

/** Kernel functions are undefined symbols that the section `.ksyms` lists; libbpf itself fills in offsets and sizes. */
function writeExterns(programs: readonly ProgramSpec[], writer: ElfWriter, btf: BtfBuilder): Map<string, ElfSymbol> {
  const records = programs.flatMap((program) => program.kernelFunctions ?? []);
  const types = new Map(records.map((record) => [functionOf(btf, record).name, record.type]));
  if (types.size > 0) {
    const variables = [...types.values()].map((type) => ({ type, offset: 0, size: 0 }));
    btf.datasec(".ksyms", 0, variables);
  }
  const symbol = (name: string) =>
    writer.symbol({ name, type: "none", binding: "global", section: 0, value: 0, size: 0 });
  return new Map([...types.keys()].map((name) => [name, symbol(name)]));
}

function textSymbol(code: readonly CodeSection[], indices: ReadonlyMap<CodeSection, number>, writer: ElfWriter) {
  const text = code.find((section) => section.name === ".text");
  return text && writer.symbol(sectionSymbol(indices.get(text)!));
}

function writeSymbols(
  code: readonly CodeSection[],
  indices: ReadonlyMap<CodeSection, number>,
  writer: ElfWriter,
): void {
  const globals = new Set<string>();
  for (const [section, symbol] of code.flatMap((item) => item.symbols.map((found) => [item, found] as const))) {
    const { name, offset: value, size } = symbol;
    // Two programs may each bring a global subprogram of one name, but an object has one global symbol per name.
    const global = symbol.global && !(section.name === ".text" && globals.has(name));
    if (global && globals.has(name)) {
      throw new IovisorError("E_FORMAT", `two programs are named ${name}`, "give each program its own name");
    }
    if (global) globals.add(name);
    const binding = global ? "global" : "local";
    writer.symbol({ name, type: "func", binding, section: indices.get(section)!, value, size });
  }
}

function sectionSymbol(section: number): ElfSymbol {
  return { name: "", type: "section", binding: "local", section, value: 0, size: 0 };
}

function relocate(offset: number, target: CodeTarget, targets: Targets, section: string): ElfRelocationEntry {
  const symbol = symbolOf(target, targets);
  if (!symbol) {
    const what = target.kind === "map" ? `map ${target.map}` : target.kind === "data" ? target.section : "a subprogram";
    throw new IovisorError(
      "E_FORMAT",
      `section ${section} refers to ${what}, which the object does not have`,
      "add it to the object",
    );
  }
  const isCall = target.kind === "call" || target.kind === "extern";
  const type = isCall ? relocationTypes.R_BPF_64_32 : relocationTypes.R_BPF_64_64;
  return { offset, type, symbol };
}

function symbolOf(target: CodeTarget, targets: Targets): ElfSymbol | undefined {
  switch (target.kind) {
    case "map":
      return targets.maps.get(target.map);
    case "data":
      return targets.data.get(target.section);
    case "extern":
      return targets.externs.get(target.name);
    case "call":
    case "function":
      return targets.text;
  }
}
