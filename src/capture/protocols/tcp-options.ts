import { concat, toHex, viewOf } from "../octets.ts";
import type { Words } from "../words.ts";

/** The words for TCP options (IANA TCP parameters; RFC 9293, 7323, 2018); each gives the option's bytes. */
export function tcpOptionWords(words: Words, add: (option: Uint8Array) => void): Record<string, () => void> {
  return {
    mss: () => {
      const size = words.number("a segment size", 0, 0xffff);
      add(Uint8Array.of(2, 4, size >> 8, size & 0xff));
    },
    wscale: () => add(Uint8Array.of(3, 3, words.number("a window scale", 0, 255))),
    "sack-permitted": () => add(Uint8Array.of(4, 2)),
    timestamps: () => {
      const option = concat(Uint8Array.of(8, 10), new Uint8Array(8));
      viewOf(option).setUint32(2, words.number("a timestamp", 0, 0xffffffff));
      viewOf(option).setUint32(6, words.number("an echoed timestamp", 0, 0xffffffff));
      add(option);
    },
    nop: () => add(Uint8Array.of(1)),
    options: () => add(words.hex()),
  };
}

/** The words that give these bytes again. */
export function formatTcpOptions(bytes: Uint8Array): string {
  const words: string[] = [];
  const view = viewOf(bytes);
  for (let at = 0; at < bytes.length; ) {
    const size = bytes[at] === 1 ? 1 : (bytes[at + 1] ?? 0);
    const end = at + size;
    const known = size > 0 && end <= bytes.length ? formatOption(view, at, size) : undefined;
    // What follows an unknown option may be cut by its wrong length, so it goes out as it is.
    if (known === undefined) return [...words, `options ${toHex(bytes.subarray(at))}`].join(" ");
    words.push(known);
    at = end;
  }
  return words.join(" ");
}

/** The options without the zeros behind them that encoding pads with. Zeros inside an option stay. */
export function trimTcpOptions(bytes: Uint8Array): Uint8Array {
  for (let at = 0; at < bytes.length; ) {
    const kind = bytes[at]!;
    const rest = bytes.subarray(at);
    if (kind === 0) return rest.length < 4 && rest.every((byte) => byte === 0) ? bytes.subarray(0, at) : bytes;
    // An option of a wrong length would be walked for ever.
    at += kind === 1 ? 1 : Math.max(2, bytes[at + 1] ?? 2);
  }
  return bytes;
}

function formatOption(view: DataView, at: number, size: number): string | undefined {
  const kind = view.getUint8(at);
  if (kind === 1) return "nop";
  if (kind === 2 && size === 4) return `mss ${view.getUint16(at + 2)}`;
  if (kind === 3 && size === 3) return `wscale ${view.getUint8(at + 2)}`;
  if (kind === 4 && size === 2) return "sack-permitted";
  if (kind === 8 && size === 10) return `timestamps ${view.getUint32(at + 2)} ${view.getUint32(at + 6)}`;
  return undefined;
}
