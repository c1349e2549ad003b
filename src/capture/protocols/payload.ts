import type { FormatOptions, Protocol } from "../layer.ts";
import { concat, equal, toHex } from "../octets.ts";
import type { Words } from "../words.ts";

/** `payload LENGTH` (bytes 0, 1, 2, ...), `payload "text"`, or `payload hex DIGITS` */
export interface Payload {
  readonly kind: "payload";
  readonly bytes: Uint8Array;
}

/** `pad LENGTH`: zeros behind everything, up to that length of the whole frame. Only at the end. */
export interface Pad {
  readonly kind: "pad";
  readonly length: number;
}

/** `trailer ...`, as `payload`: bytes behind everything, outside all lengths. Only at the end. */
export interface Trailer {
  readonly kind: "trailer";
  readonly bytes: Uint8Array;
}

/** Longer payloads are cut in one-line summaries. */
const summaryBytes = 24;
const longest = 0x40000;

export const payload: Protocol<Payload> = {
  derived: [],
  parse: (words) => ({ kind: "payload", bytes: parseBytes(words) }),
  encode: (layer, content) => concat(layer.bytes, content),
  format: (layer, options) => `payload ${formatBytes(layer.bytes, options)}`,
};

export const trailer: Protocol<Trailer> = {
  derived: [],
  parse: (words) => ({ kind: "trailer", bytes: parseBytes(words) }),
  encode: (layer, content) => concat(layer.bytes, content),
  format: (layer, options) => `trailer ${formatBytes(layer.bytes, options)}`,
};

export const pad: Protocol<Pad> = {
  derived: [],
  parse(words) {
    const length = words.number("a length", 0, longest);
    words.options({});
    return { kind: "pad", length };
  },
  encode: (_layer, content) => content,
  format: (layer) => `pad ${layer.length}`,
};

function parseBytes(words: Words): Uint8Array {
  const text = words.string();
  const bytes =
    text !== undefined
      ? new TextEncoder().encode(text)
      : words.accept("hex")
        ? words.hex()
        : pattern(words.number('a length, "text" or hex DIGITS', 0, longest));
  words.options({});
  return bytes;
}

/** What `ping` fills its packets with: each byte its own index. */
function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index & 0xff);
}

function formatBytes(bytes: Uint8Array, { full }: FormatOptions): string {
  if (equal(bytes, pattern(bytes.length))) return String(bytes.length);
  const shown = full ? bytes : bytes.subarray(0, summaryBytes);
  const isText = shown.every(
    (byte) => (byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d || byte === 0x09,
  );
  const text = isText ? JSON.stringify(new TextDecoder().decode(shown)) : `hex ${toHex(shown)}`;
  return shown.length < bytes.length ? `${text}... (${bytes.length} bytes)` : text;
}
