import { IovisorError } from "../errors.ts";
import type { BtfBuilder } from "./btf-builder.ts";
import type { CoreRelocation, FunctionRecord, LineRecord, SectionRecords } from "./btf-ext.ts";
import { concatBytes } from "./byte-writer.ts";
import { slotSize } from "./elf-format.ts";

/** What a relocation of code points at. */
export type CodeTarget =
  | { readonly kind: "map"; readonly map: string }
  | { readonly kind: "data"; readonly section: string }
  | { readonly kind: "extern"; readonly name: string }
  | { readonly kind: "call" }
  | { readonly kind: "function" };

export interface CodeRelocation {
  /** Bytes from the start of the section. */
  readonly offset: number;
  readonly target: CodeTarget;
}

export interface CodeSymbol {
  readonly name: string;
  readonly global: boolean;
  readonly offset: number;
  readonly size: number;
}

/** A piece of a program: its bytes with everything that refers to them, in slots from the start of the piece. */
export interface CodePiece {
  readonly bytes: Uint8Array;
  readonly symbols: readonly { name: string; global: boolean; slot: number; slots: number }[];
  readonly relocations: readonly { slot: number; target: CodeTarget }[];
  readonly functions: readonly FunctionRecord[];
  readonly lines: readonly LineRecord[];
  readonly coreRelocations: readonly CoreRelocation[];
}

/** An executable section as it grows piece by piece: several programs may share one. */
export class CodeSection {
  readonly name: string;
  readonly symbols: CodeSymbol[] = [];
  readonly relocations: CodeRelocation[] = [];
  readonly #parts: Uint8Array[] = [];
  readonly #functions: FunctionRecord[] = [];
  readonly #lines: LineRecord[] = [];
  readonly #coreRelocations: CoreRelocation[] = [];
  #slots = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** Slots so far: where the next piece will begin. */
  get slots(): number {
    return this.#slots;
  }

  append(piece: CodePiece): void {
    const base = this.#slots;
    const shift = <T extends { readonly slot: number }>(record: T): T => ({ ...record, slot: record.slot + base });
    for (const { name, global, slot, slots } of piece.symbols) {
      this.symbols.push({ name, global, offset: (base + slot) * slotSize, size: slots * slotSize });
    }
    for (const { slot, target } of piece.relocations)
      this.relocations.push({ offset: (base + slot) * slotSize, target });
    this.#functions.push(...piece.functions.map(shift));
    this.#lines.push(...piece.lines.map(shift));
    this.#coreRelocations.push(...piece.coreRelocations.map(shift));
    this.#parts.push(piece.bytes);
    this.#slots += piece.bytes.length / slotSize;
  }

  bytes(): Uint8Array {
    return concatBytes(this.#parts);
  }

  records(): SectionRecords {
    return {
      section: this.name,
      functions: this.#functions,
      lines: this.#lines,
      relocations: this.#coreRelocations,
    };
  }
}

/** Name and linkage of the BTF function that a record refers to. */
export function functionOf(btf: BtfBuilder, record: FunctionRecord): { name: string; global: boolean } {
  const type = btf.type(record.type);
  if (type?.kind !== "func") {
    throw new IovisorError(
      "E_FORMAT",
      `the function at slot ${record.slot} has BTF type ${record.type}, which is ${type ? `a ${type.kind}` : "not defined"}`,
      "give the id of a func",
    );
  }
  return { name: type.name, global: type.linkage === "global" };
}
