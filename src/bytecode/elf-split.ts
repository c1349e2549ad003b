import { IovisorError } from "../errors.ts";
import type { BtfBuilder } from "./btf-builder.ts";
import { type CodePiece, type CodeTarget, functionOf } from "./elf-code.ts";
import { slotSize } from "./elf-format.ts";
import { PseudoSource } from "./instruction.ts";
import type { ProgramSpec } from "./object-spec.ts";
import { Opcode } from "./opcode.ts";

/** A program cut where libbpf wants it: the entry in the program's own section, the subprograms in `.text`. */
export interface SplitProgram {
  readonly entry: CodePiece;
  readonly subprograms: CodePiece;
}

/**
 * Cuts an encoded program in two and replaces what binds the halves together, and to maps and data, by relocations.
 * `textBase` is the slot of `.text` where the subprograms will stand. Calls among subprograms stay relative.
 */
export function splitProgram(program: ProgramSpec, code: Uint8Array, btf: BtfBuilder, textBase: number): SplitProgram {
  const slots = code.length / slotSize;
  const cut = program.functions[1]?.slot ?? slots;
  const context: SplitContext = { program, code: code.slice(), cut, textBase, slots };
  const relocations = [...references(context), ...externReferences(context, btf), ...functionReferences(context)].sort(
    (a, b) => a.slot - b.slot,
  );
  const symbols = program.functions.map((record, index) => {
    const { name, global } = functionOf(btf, record);
    const end = program.functions[index + 1]?.slot ?? slots;
    // libbpf knows an entry by its global symbol, whatever its linkage, and calls the program by that name.
    const entry = index === 0;
    return { name: entry ? program.name : name, global: entry || global, slot: record.slot, slots: end - record.slot };
  });
  const piece = (from: number, to: number): CodePiece => {
    const part = <T extends { readonly slot: number }>(records: readonly T[]): T[] =>
      records
        .filter((record) => record.slot >= from && record.slot < to)
        .map((record) => ({ ...record, slot: record.slot - from }));
    return {
      bytes: context.code.subarray(from * slotSize, to * slotSize),
      symbols: part(symbols),
      relocations: part(relocations),
      functions: part(program.functions),
      lines: part(program.lines),
      coreRelocations: part(program.coreRelocations ?? []),
    };
  };
  return { entry: piece(0, cut), subprograms: piece(cut, slots) };
}

interface SplitContext {
  readonly program: ProgramSpec;
  /** A copy, changed in place. */
  readonly code: Uint8Array;
  readonly cut: number;
  readonly textBase: number;
  readonly slots: number;
}

interface Reference {
  readonly slot: number;
  readonly target: CodeTarget;
}

/** Maps and data: the instruction becomes a plain `lddw` of the offset, as clang leaves it. */
function references(context: SplitContext): Reference[] {
  const { program } = context;
  const maps = program.mapReferences.map(({ slot, map }) => {
    setWide(context, slot, 0);
    return { slot, target: { kind: "map", map } as const };
  });
  const data = (program.dataReferences ?? []).map(({ slot, section, offset }) => {
    setWide(context, slot, offset);
    return { slot, target: { kind: "data", section } as const };
  });
  return [...maps, ...data];
}

/** Kernel functions: a call of an undefined symbol, which the loader finds in the running kernel. */
function externReferences({ code, program, slots }: SplitContext, btf: BtfBuilder): Reference[] {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  return (program.kernelFunctions ?? []).map(({ slot, type }) => {
    const at = slot * slotSize;
    if (slot >= slots || code[at] !== Opcode.call) throw misplaced(program, slot, "a call");
    code[at + 1] = PseudoSource.localCall << 4;
    view.setInt16(at + 2, 0, true);
    view.setInt32(at + 4, -1, true);
    return { slot, target: { kind: "extern", name: functionOf(btf, { slot, type }).name } };
  });
}

/** Calls into `.text` and addresses of functions there. */
function functionReferences(context: SplitContext): Reference[] {
  const { code, cut, textBase, slots, program } = context;
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const starts = new Set(program.functions.map((record) => record.slot));
  const externs = new Set(program.kernelFunctions?.map((record) => record.slot));
  const found: Reference[] = [];
  for (let slot = 0; slot < slots; slot++) {
    const at = slot * slotSize;
    const source = code[at + 1]! >> 4;
    const isCall = code[at] === Opcode.call && source === PseudoSource.localCall && !externs.has(slot);
    const isAddress = code[at] === Opcode.lddw && source === PseudoSource.func;
    if (isCall || isAddress) {
      const target = slot + 1 + view.getInt32(at + 4, true);
      if (!starts.has(target) || target < cut) throw noFunction(program, slot, target);
      const inText = textBase + target - cut;
      if (isAddress) {
        setWide(context, slot, inText * slotSize);
        found.push({ slot, target: { kind: "function" } });
      } else if (slot < cut) {
        view.setInt32(at + 4, inText - 1, true);
        found.push({ slot, target: { kind: "call" } });
      }
    }
    if (code[at] === Opcode.lddw) slot++;
  }
  return found;
}

function setWide({ code, program, slots }: SplitContext, slot: number, value: number): void {
  const at = slot * slotSize;
  if (slot + 1 >= slots || code[at] !== Opcode.lddw) {
    throw misplaced(program, slot, "an lddw");
  }
  code[at + 1] = code[at + 1]! & 0x0f;
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  view.setInt32(at + 4, value, true);
  view.setInt32(at + 12, 0, true);
}

function misplaced(program: ProgramSpec, slot: number, wanted: string): IovisorError {
  return new IovisorError(
    "E_FORMAT",
    `program ${program.name}: a reference names slot ${slot}, where there is not ${wanted}`,
    "count slots: an lddw takes two",
  );
}

function noFunction(program: ProgramSpec, slot: number, target: number): IovisorError {
  return new IovisorError(
    "E_FORMAT",
    `program ${program.name}: slot ${slot} refers to a subprogram at slot ${target}, where none begins`,
    "list every subprogram in `functions`",
  );
}
