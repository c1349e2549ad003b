/** Finds the source line of an instruction in a program's own line information. */
import type { ProgramBtf } from "./spec.ts";
import type { SourcePlace } from "./verifier-log.ts";

const RECORD_SIZE = 16;
const COLUMN_BITS = 10;

/** The text at an offset of the BTF object's string section (struct btf_header: hdr_len at 4, str_off at 16). */
function btfString(data: Uint8Array, offset: number): string {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const start = view.getUint32(4, true) + view.getUint32(16, true) + offset;
  return new TextDecoder().decode(data.subarray(start, data.indexOf(0, start)));
}

/** The place of the last record at or before `slot`. */
export function lineAt(btf: ProgramBtf, slot: number): SourcePlace | undefined {
  const records = btf.lineInfo;
  if (!records) return undefined;
  const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
  let found = -1;
  for (let at = 0; at < records.length && view.getUint32(at, true) <= slot; at += RECORD_SIZE) found = at;
  if (found < 0) return undefined;
  const position = view.getUint32(found + 12, true);
  return {
    file: btfString(btf.data, view.getUint32(found + 4, true)),
    text: btfString(btf.data, view.getUint32(found + 8, true)).trim(),
    line: position >>> COLUMN_BITS,
    column: position & ((1 << COLUMN_BITS) - 1),
  };
}
