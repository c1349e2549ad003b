import { IovisorError } from "../errors.ts";
import type { BtfBuilder } from "./btf-builder.ts";
import { type BtfId, btfMagic } from "./btf-types.ts";
import { ByteWriter } from "./byte-writer.ts";

/** Where a function begins, in slots (8-byte units of the encoded program), and its BTF `func`. */
export interface FunctionRecord {
  readonly slot: number;
  readonly type: BtfId;
}

/** The source of the instructions from `slot` on. */
export interface LineRecord {
  readonly slot: number;
  readonly file: string;
  /** The source line itself: the verifier's log quotes it. */
  readonly text: string;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
}

/** enum bpf_core_relo_kind of include/uapi/linux/bpf.h. */
export const coreRelocationKinds = {
  field_byte_offset: 0,
  field_byte_size: 1,
  field_exists: 2,
  field_signed: 3,
  field_lshift_u64: 4,
  field_rshift_u64: 5,
  type_id_local: 6,
  type_id_target: 7,
  type_exists: 8,
  type_size: 9,
  enumval_exists: 10,
  enumval_value: 11,
  type_matches: 12,
} as const;

/** A value that the loader patches into the instruction at `slot` from the running kernel's BTF (CO-RE). */
export interface CoreRelocation {
  readonly slot: number;
  /** The local type that stands for the kernel's. */
  readonly type: BtfId;
  /** Member indices from the type on, such as "0:1:2"; "0" for relocations of a whole type. */
  readonly access: string;
  readonly kind: keyof typeof coreRelocationKinds;
}

/** Records of one ELF section; slots count from the section's start. */
export interface SectionRecords {
  readonly section: string;
  readonly functions: readonly FunctionRecord[];
  readonly lines: readonly LineRecord[];
  readonly relocations: readonly CoreRelocation[];
}

export const functionRecordSize = 8;
export const lineRecordSize = 16;
const relocationRecordSize = 16;

const largestLine = 0x3fffff;
const largestColumn = 0x3ff;

/**
 * `line_col` of a line record: 22 bits of line, 10 of column. A line or column beyond that is held at the largest
 * value: a wrong position in the log is better than a program that does not load.
 */
export function lineColumn(line: number, column: number): number {
  return ((Math.min(line, largestLine) << 10) | Math.min(column, largestColumn)) >>> 0;
}

/** func_info for PROG_LOAD. Throws E_FORMAT unless the slots begin at 0 and increase. */
export function encodeFunctionInfo(records: readonly FunctionRecord[]): Uint8Array<ArrayBuffer> {
  checkRecords(records, "func_info");
  return writeFunctions(new ByteWriter(), records, 1).finish();
}

/**
 * line_info for PROG_LOAD; adds the texts to `btf`, so call it before `btf.toBytes()`. Throws E_FORMAT unless the slots
 * begin at 0 and increase.
 */
export function encodeLineInfo(records: readonly LineRecord[], btf: BtfBuilder): Uint8Array<ArrayBuffer> {
  checkRecords(records, "line_info");
  return writeLines(new ByteWriter(), records, btf, 1).finish();
}

/**
 * The `.BTF.ext` section, from records that {@link checkRecords} accepts. Adds strings to `btf`, so call it before
 * `btf.toBytes()`.
 */
export function encodeBtfExt(sections: readonly SectionRecords[], btf: BtfBuilder): Uint8Array<ArrayBuffer> {
  const functions = encodeTable(sections, "functions", functionRecordSize, btf, (out, records) =>
    writeFunctions(out, records.functions, 8),
  );
  const lines = encodeTable(sections, "lines", lineRecordSize, btf, (out, records) =>
    writeLines(out, records.lines, btf, 8),
  );
  const relocations = encodeTable(sections, "relocations", relocationRecordSize, btf, (out, records) =>
    writeRelocations(out, records.relocations, btf),
  );
  const headerSize = 32;
  const out = new ByteWriter().u16(btfMagic).u8(1).u8(0).u32(headerSize);
  let offset = 0;
  for (const table of [functions, lines, relocations]) {
    out.u32(offset).u32(table.length);
    offset += table.length;
  }
  return out.bytes(functions).bytes(lines).bytes(relocations).finish();
}

function encodeTable(
  sections: readonly SectionRecords[],
  table: "functions" | "lines" | "relocations",
  recordSize: number,
  btf: BtfBuilder,
  write: (out: ByteWriter, records: SectionRecords) => void,
): Uint8Array {
  const filled = sections.filter((section) => section[table].length > 0);
  if (filled.length === 0) return new Uint8Array(0);
  const out = new ByteWriter().u32(recordSize);
  for (const section of filled) {
    out.u32(btf.string(section.section)).u32(section[table].length);
    write(out, section);
  }
  return out.finish();
}

/** `unit` is 1 for the system call, which counts slots, and 8 for ELF, which counts bytes. */
function writeFunctions(out: ByteWriter, records: readonly FunctionRecord[], unit: 1 | 8): ByteWriter {
  for (const record of records) out.u32(record.slot * unit).u32(record.type);
  return out;
}

function writeLines(out: ByteWriter, records: readonly LineRecord[], btf: BtfBuilder, unit: 1 | 8): ByteWriter {
  for (const record of records) {
    out
      .u32(record.slot * unit)
      .u32(btf.string(record.file))
      .u32(btf.string(record.text));
    out.u32(lineColumn(record.line, record.column));
  }
  return out;
}

function writeRelocations(out: ByteWriter, records: readonly CoreRelocation[], btf: BtfBuilder): void {
  for (const record of records) {
    out
      .u32(record.slot * 8)
      .u32(record.type)
      .u32(btf.string(record.access))
      .u32(coreRelocationKinds[record.kind]);
  }
}

/**
 * Throws E_FORMAT unless the slots begin at 0 and increase: the kernel refuses records out of order with a bare EINVAL
 * (check_btf_func and check_btf_line in kernel/bpf/verifier.c).
 */
export function checkRecords(records: readonly { readonly slot: number }[], what: string): void {
  let last = -1;
  for (const [index, record] of records.entries()) {
    if (record.slot <= last || (index === 0 && record.slot !== 0)) {
      throw new IovisorError(
        "E_FORMAT",
        `${what}: record ${index} is at slot ${record.slot}, ${index === 0 ? "the first must be at 0" : `not after ${last}`}`,
        "sort the records and keep one per slot",
      );
    }
    last = record.slot;
  }
}
