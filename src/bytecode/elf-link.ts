import type { FunctionRecord, LineRecord } from "./btf-ext.ts";
import type { ReadRecords } from "./btf-ext-reader.ts";
import { concatBytes } from "./byte-writer.ts";
import { sectionFlags, slotSize } from "./elf-format.ts";
import type { ReadMap } from "./elf-read-maps.ts";
import { badObject, type ElfFile, type ReadRelocation, type ReadSection, type ReadSymbol } from "./elf-reader.ts";
import { PseudoSource } from "./instruction.ts";
import type { DataReference, MapReference } from "./object-spec.ts";
import { Opcode } from "./opcode.ts";

/** A program of an object, linked: the entry first, then every subprogram that it reaches, calls resolved. */
export interface LinkedProgram {
  readonly name: string;
  readonly section: string;
  /** Encoded instructions. The `lddw` of maps and data are plain ones of value 0 or the offset: see the references. */
  readonly code: Uint8Array;
  readonly mapReferences: readonly MapReference[];
  readonly dataReferences: readonly DataReference[];
  /** Calls of kernel functions, by name. */
  readonly kernelFunctions: readonly { readonly slot: number; readonly name: string }[];
  /** In order of slot. `type` is 0 where the object has no BTF for the function. */
  readonly functions: readonly (FunctionRecord & { readonly name: string })[];
  readonly lines: readonly LineRecord[];
}

export interface LinkContext {
  readonly file: ElfFile;
  readonly maps: readonly ReadMap[];
  readonly records: ReadonlyMap<string, ReadRecords>;
}

/** A function's place in the object, and the slot where it goes in the linked program. */
interface Piece {
  readonly symbol: ReadSymbol;
  readonly section: ReadSection;
  readonly base: number;
  readonly code: Uint8Array;
  readonly relocations: ReadonlyMap<number, ReadRelocation>;
}

/** Links the program whose entry is `entry`. Throws E_FORMAT where a relocation points at nothing known. */
export function linkProgram(context: LinkContext, entry: ReadSymbol): LinkedProgram {
  const linker = new Linker(context, entry);
  return linker.link();
}

class Linker {
  readonly #context: LinkContext;
  readonly #pieces: Piece[] = [];
  readonly #maps: MapReference[] = [];
  readonly #data: DataReference[] = [];
  readonly #externs: { slot: number; name: string }[] = [];

  constructor(context: LinkContext, entry: ReadSymbol) {
    this.#context = context;
    this.#place(entry);
  }

  link(): LinkedProgram {
    // The list grows while it is walked: a piece that calls a new function puts it at the end.
    for (const piece of this.#pieces) this.#linkPiece(piece);
    const entry = this.#pieces[0]!;
    return {
      name: entry.symbol.name,
      section: entry.section.name,
      code: concatBytes(this.#pieces.map((piece) => piece.code)),
      mapReferences: this.#maps,
      dataReferences: this.#data,
      kernelFunctions: this.#externs,
      functions: this.#pieces.map((piece) => this.#functionOf(piece)),
      lines: this.#pieces.flatMap((piece) => this.#linesOf(piece)),
    };
  }

  /** The slot of the function that holds a byte of a section, which joins the program if it is new. */
  #slotOf(section: number, offset: number): number {
    const inside = (symbol: ReadSymbol) =>
      symbol.type === "func" && symbol.section === section && symbol.value === offset && symbol.size > 0;
    const known = this.#pieces.find((piece) => inside(piece.symbol));
    if (known) return known.base;
    const symbol = this.#context.file.symbols.find(inside);
    if (!symbol) throw badObject(`no function begins at byte ${offset} of section ${section}`);
    return this.#place(symbol).base;
  }

  #place(symbol: ReadSymbol): Piece {
    const section = this.#context.file.sections[symbol.section];
    const end = symbol.value + symbol.size;
    if (!section || end > section.data.length || symbol.value % slotSize !== 0 || symbol.size % slotSize !== 0) {
      throw badObject(`function ${symbol.name} does not lie in its section`);
    }
    const last = this.#pieces.at(-1);
    const relocations = this.#context.file.relocationsOf(section);
    const piece: Piece = {
      symbol,
      section,
      base: last ? last.base + last.code.length / slotSize : 0,
      code: section.data.slice(symbol.value, end),
      relocations: new Map(relocations.map((relocation) => [relocation.offset, relocation])),
    };
    this.#pieces.push(piece);
    return piece;
  }

  #linkPiece(piece: Piece): void {
    const { code } = piece;
    const view = new DataView(code.buffer);
    for (let at = 0; at < code.length; at += slotSize) {
      const isWide = code[at] === Opcode.lddw;
      const relocation = piece.relocations.get(piece.symbol.value + at);
      if (isWide && relocation) this.#linkWide(piece, view, at, relocation);
      else if (code[at] === Opcode.call && code[at + 1]! >> 4 === PseudoSource.localCall) {
        this.#linkCall(piece, view, at, relocation);
      }
      if (isWide) at += slotSize;
    }
  }

  #linkCall(piece: Piece, view: DataView, at: number, relocation: ReadRelocation | undefined): void {
    const slot = piece.base + at / slotSize;
    const bytes = (view.getInt32(at + 4, true) + 1) * slotSize;
    if (relocation?.symbol.section === 0) {
      this.#externs.push({ slot, name: relocation.symbol.name });
      return;
    }
    const target = relocation
      ? this.#slotOf(relocation.symbol.section, relocation.symbol.value + bytes)
      : this.#slotOf(piece.symbol.section, piece.symbol.value + at + bytes);
    view.setInt32(at + 4, target - slot - 1, true);
  }

  #linkWide(piece: Piece, view: DataView, at: number, { symbol }: ReadRelocation): void {
    const slot = piece.base + at / slotSize;
    const offset = symbol.value + view.getInt32(at + 4, true);
    const section = this.#context.file.sections[symbol.section];
    if (!section || symbol.section === 0) throw badObject(`it refers to the undefined variable ${symbol.name}`);
    if (section.flags & sectionFlags.executable) {
      view.setUint8(at + 1, (view.getUint8(at + 1) & 0x0f) | (PseudoSource.func << 4));
      view.setInt32(at + 4, this.#slotOf(symbol.section, offset) - slot - 1, true);
      return;
    }
    if (section.name === ".maps") {
      const map = this.#context.maps.find((item) => item.offset === offset);
      if (!map) throw badObject(`no map begins at byte ${offset} of .maps`);
      view.setInt32(at + 4, 0, true);
      this.#maps.push({ slot, map: map.name });
      return;
    }
    view.setInt32(at + 4, offset, true);
    this.#data.push({ slot, section: section.name, offset });
  }

  #functionOf({ symbol, section, base }: Piece): FunctionRecord & { name: string } {
    const records = this.#context.records.get(section.name)?.functions ?? [];
    const record = records.find((item) => item.slot * slotSize === symbol.value);
    return { name: symbol.name, slot: base, type: record?.type ?? 0 };
  }

  #linesOf({ symbol, section, base, code }: Piece): LineRecord[] {
    const start = symbol.value / slotSize;
    return (this.#context.records.get(section.name)?.lines ?? [])
      .filter((line) => line.slot >= start && line.slot < start + code.length / slotSize)
      .map((line) => ({ ...line, slot: line.slot - start + base }));
  }
}
