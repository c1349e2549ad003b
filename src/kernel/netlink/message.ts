/**
 * The netlink wire format: a 16-byte header, a fixed part that depends on the message type, then attributes, each a
 * 16-bit length and type with its payload padded to 4 bytes (RFC 3549; kernel: include/uapi/linux/netlink.h). Numbers
 * are in host order, little-endian on all machines we run on, unless an attribute says otherwise.
 */

/** Marks an attribute whose payload is attributes. */
const NLA_F_NESTED = 0x8000;
const TYPE_MASK = 0x3fff;
const HEADER_SIZE = 16;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** One message: its header without the length, and all that follows the header. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Uint8Array;
}

function align(length: number): number {
  return (length + 3) & ~3;
}

/** Joins byte strings. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((total, part) => total + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    result.set(part, offset);
    offset += part.length;
  }
  return result;
}

/** An attribute with a payload of bytes. */
export function bytesAttribute(type: number, payload: Uint8Array): Uint8Array {
  const result = new Uint8Array(align(4 + payload.length));
  const view = new DataView(result.buffer);
  view.setUint16(0, 4 + payload.length, true);
  view.setUint16(2, type, true);
  result.set(payload, 4);
  return result;
}

/** An attribute that holds attributes. */
export function nest(type: number, ...children: readonly Uint8Array[]): Uint8Array {
  return bytesAttribute(type | NLA_F_NESTED, concat(children));
}

/** An attribute without a payload: its presence is its meaning. */
export function flagAttribute(type: number): Uint8Array {
  return bytesAttribute(type, new Uint8Array(0));
}

export function u8Attribute(type: number, value: number): Uint8Array {
  return bytesAttribute(type, Uint8Array.of(value));
}

/** A 16-bit attribute in network order. */
export function be16Attribute(type: number, value: number): Uint8Array {
  return bytesAttribute(type, Uint8Array.of(value >>> 8, value & 0xff));
}

/** A 32-bit attribute; a negative value is written in two's complement. */
export function u32Attribute(type: number, value: number): Uint8Array {
  return bytesAttribute(type, new Uint8Array(Uint32Array.of(value).buffer));
}

/** A string attribute with its final zero. */
export function textAttribute(type: number, value: string): Uint8Array {
  return bytesAttribute(type, encoder.encode(`${value}\0`));
}

/** Builds one message. */
export function encodeMessage(type: number, flags: number, sequence: number, payload: Uint8Array): Uint8Array {
  const result = new Uint8Array(align(HEADER_SIZE + payload.length));
  const view = new DataView(result.buffer);
  view.setUint32(0, HEADER_SIZE + payload.length, true);
  view.setUint16(4, type, true);
  view.setUint16(6, flags, true);
  view.setUint32(8, sequence, true);
  result.set(payload, HEADER_SIZE);
  return result;
}

/** Splits what one receive returned into messages. A length that leads out of the bytes ends the list. */
export function decodeMessages(bytes: Uint8Array): NetlinkMessage[] {
  const messages: NetlinkMessage[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let offset = 0;
  while (offset + HEADER_SIZE <= bytes.length) {
    const length = view.getUint32(offset, true);
    if (length < HEADER_SIZE || offset + length > bytes.length) break;
    messages.push({
      type: view.getUint16(offset + 4, true),
      flags: view.getUint16(offset + 6, true),
      sequence: view.getUint32(offset + 8, true),
      payload: bytes.slice(offset + HEADER_SIZE, offset + length),
    });
    offset += align(length);
  }
  return messages;
}

/** Attributes of one level, by type. Readers return undefined for an absent attribute. */
export class Attributes {
  readonly #byType = new Map<number, Uint8Array>();
  /** In message order, for lists in which types repeat or count up. */
  readonly all: readonly { readonly type: number; readonly payload: Uint8Array }[];

  /** Reads attributes from `offset` on; a malformed one ends the list. */
  constructor(bytes: Uint8Array, offset = 0) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const all: { type: number; payload: Uint8Array }[] = [];
    let at = offset;
    while (at + 4 <= bytes.length) {
      const length = view.getUint16(at, true);
      if (length < 4 || at + length > bytes.length) break;
      const type = view.getUint16(at + 2, true) & TYPE_MASK;
      const payload = bytes.subarray(at + 4, at + length);
      all.push({ type, payload });
      this.#byType.set(type, payload);
      at += align(length);
    }
    this.all = all;
  }

  has(type: number): boolean {
    return this.#byType.has(type);
  }

  bytes(type: number): Uint8Array | undefined {
    return this.#byType.get(type);
  }

  u8(type: number): number | undefined {
    return this.#byType.get(type)?.[0];
  }

  u16(type: number): number | undefined {
    return this.#view(type, 2)?.getUint16(0, true);
  }

  u32(type: number): number | undefined {
    return this.#view(type, 4)?.getUint32(0, true);
  }

  text(type: number): string | undefined {
    const bytes = this.#byType.get(type);
    if (!bytes) return undefined;
    const end = bytes.indexOf(0);
    return decoder.decode(end < 0 ? bytes : bytes.subarray(0, end));
  }

  nested(type: number): Attributes | undefined {
    const bytes = this.#byType.get(type);
    return bytes && new Attributes(bytes);
  }

  /** Each attribute of this level, read as a nest: for lists. */
  entries(): Attributes[] {
    return this.all.map(({ payload }) => new Attributes(payload));
  }

  #view(type: number, size: number): DataView | undefined {
    const bytes = this.#byType.get(type);
    return bytes && bytes.length >= size ? new DataView(bytes.buffer, bytes.byteOffset, bytes.length) : undefined;
  }
}
