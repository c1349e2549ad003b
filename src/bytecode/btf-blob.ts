import { IovisorError } from "../errors.ts";
import { btfHeaderSize, btfMagic } from "./btf-types.ts";

/** The two sections of a BTF blob: type records as 32-bit words, and NUL-terminated strings. */
export interface BtfBlob {
  readonly words: Uint32Array;
  readonly strings: Uint8Array;
}

/** Splits a blob. Throws E_FORMAT where the header does not hold. */
export function splitBlob(bytes: Uint8Array): BtfBlob {
  if (bytes.length < btfHeaderSize)
    throw malformed(`it has ${bytes.length} bytes, a header alone has ${btfHeaderSize}`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint16(0, true);
  if (magic !== btfMagic) throw malformed(`it begins with 0x${magic.toString(16)}, little-endian BTF with 0xeb9f`);
  const version = bytes[2];
  if (version !== 1) throw malformed(`its version is ${version}; 1 is known`);
  const headerSize = view.getUint32(4, true);
  const types = section(bytes, headerSize + view.getUint32(8, true), view.getUint32(12, true), "type");
  const strings = section(bytes, headerSize + view.getUint32(16, true), view.getUint32(20, true), "string");
  if (types.length % 4 !== 0) throw malformed("its type section is not a whole number of words");
  if (strings.length === 0 || strings[0] !== 0 || strings.at(-1) !== 0) {
    throw malformed("its string section does not begin and end with NUL");
  }
  return { words: toWords(types), strings };
}

/** The words of a type's record that follow its three header words. Undefined for a kind that is not known. */
export function trailingWords(kind: number, count: number): number | undefined {
  switch (kind) {
    case 1: // int
    case 14: // var
    case 17: // decl_tag
      return 1;
    case 3: // array
      return 3;
    case 4: // struct
    case 5: // union
    case 15: // datasec
    case 19: // enum64
      return 3 * count;
    case 6: // enum
    case 13: // func_proto
      return 2 * count;
    case 2:
    case 7:
    case 8:
    case 9:
    case 10:
    case 11:
    case 12:
    case 16:
    case 18:
      return 0;
    default:
      return undefined;
  }
}

/** The word offset of each type's record by id; index 0 (`void`) is unused. Throws E_FORMAT on a broken record. */
export function indexRecords(words: Uint32Array): Uint32Array {
  // A record has at least three words, so this is room for all.
  const offsets = new Uint32Array(Math.floor(words.length / 3) + 1);
  let count = 0;
  for (let at = 0; at < words.length; ) {
    const info = words[at + 1] ?? 0;
    const kind = (info >>> 24) & 0x1f;
    const trailing = trailingWords(kind, info & 0xffff);
    if (trailing === undefined) throw malformed(`type ${count + 1} has the unknown kind ${kind}`);
    offsets[++count] = at;
    at += 3 + trailing;
    if (at > words.length) throw malformed(`type ${count} reaches past the end`);
  }
  return offsets.slice(0, count + 1);
}

export function malformed(reason: string): IovisorError {
  return new IovisorError(
    "E_FORMAT",
    `not a BTF blob: ${reason}`,
    "pass the bytes of /sys/kernel/btf/vmlinux or a .BTF section",
  );
}

function section(bytes: Uint8Array, start: number, length: number, name: string): Uint8Array {
  if (start + length > bytes.length)
    throw malformed(`its ${name} section ends at ${start + length} of ${bytes.length} bytes`);
  return bytes.subarray(start, start + length);
}

/** Views the bytes as words where alignment and byte order of the machine allow it, and converts otherwise. */
function toWords(bytes: Uint8Array): Uint32Array {
  const littleEndian = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;
  if (littleEndian) {
    const aligned = bytes.byteOffset % 4 === 0 ? bytes : Uint8Array.from(bytes);
    return new Uint32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength / 4);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Uint32Array.from({ length: bytes.length / 4 }, (_, index) => view.getUint32(index * 4, true));
}
