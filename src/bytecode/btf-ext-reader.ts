import { malformed } from "./btf-blob.ts";
import { type FunctionRecord, functionRecordSize, type LineRecord, lineRecordSize } from "./btf-ext.ts";
import type { BtfReader } from "./btf-reader.ts";
import { btfMagic } from "./btf-types.ts";

/** The records of one section, slots counted from its start. */
export interface ReadRecords {
  readonly functions: FunctionRecord[];
  readonly lines: LineRecord[];
}

const slotSize = 8;

/** The functions and lines in a `.BTF.ext` section, by the section that they describe. Throws E_FORMAT if it is cut. */
export function readBtfExt(bytes: Uint8Array, btf: BtfReader): Map<string, ReadRecords> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 24 || view.getUint16(0, true) !== btfMagic) throw malformed("the .BTF.ext section has no header");
  const headerSize = view.getUint32(4, true);
  const sections = new Map<string, ReadRecords>();
  const recordsOf = (name: string): ReadRecords => {
    const known = sections.get(name) ?? { functions: [], lines: [] };
    sections.set(name, known);
    return known;
  };
  const table = (offsetAt: number) =>
    eachRecord(view, headerSize + view.getUint32(offsetAt, true), view.getUint32(offsetAt + 4, true));
  for (const { section, at } of table(8)) {
    if (at + functionRecordSize > bytes.length) throw malformed("a function record is cut off");
    const slot = view.getUint32(at, true) / slotSize;
    recordsOf(btf.string(section)).functions.push({ slot, type: view.getUint32(at + 4, true) });
  }
  for (const { section, at } of table(16)) {
    if (at + lineRecordSize > bytes.length) throw malformed("a line record is cut off");
    recordsOf(btf.string(section)).lines.push(readLine(view, at, btf));
  }
  return sections;
}

function readLine(view: DataView, at: number, btf: BtfReader): LineRecord {
  const position = view.getUint32(at + 12, true);
  return {
    slot: view.getUint32(at, true) / slotSize,
    file: btf.string(view.getUint32(at + 4, true)),
    text: btf.string(view.getUint32(at + 8, true)),
    line: position >>> 10,
    column: position & 0x3ff,
  };
}

/** Where each record of a table lies, with the string offset of its section's name. */
function* eachRecord(view: DataView, start: number, length: number): Generator<{ section: number; at: number }> {
  if (length === 0) return;
  if (start + length > view.byteLength) throw malformed("a table of the .BTF.ext section is cut off");
  const recordSize = view.getUint32(start, true);
  if (recordSize < 8) throw malformed(`.BTF.ext has records of ${recordSize} bytes`);
  for (let at = start + 4; at + 8 <= start + length; ) {
    const section = view.getUint32(at, true);
    const count = view.getUint32(at + 4, true);
    at += 8;
    if (at + count * recordSize > start + length) throw malformed("a table of the .BTF.ext section is cut off");
    for (let index = 0; index < count; index++, at += recordSize) yield { section, at };
  }
}
