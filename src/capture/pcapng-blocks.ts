import { padTo, viewOf } from "./octets.ts";

/** Block types of the pcapng format (draft-ietf-opsawg-pcapng). */
export const blockTypes = { section: 0x0a0d0d0a, interface: 1, simplePacket: 3, statistics: 5, packet: 6 } as const;
export const byteOrderMagic = 0x1a2b3c4d;

/** Option codes. 1 is the same in every block; those of packets and statistics have numbers of interfaces, too. */
export const optionCodes = {
  end: 0,
  comment: 1,
  interfaceName: 2,
  timeResolution: 9,
  timeOffset: 14,
  packetFlags: 2,
  interfaceDrops: 5,
} as const;

/** The lowest bits of a packet's flags. */
export const directionFlags = { in: 1, out: 2 } as const;

export interface Option {
  readonly code: number;
  readonly value: Uint8Array;
}

/** The options that begin at `at` of a block's body; a list that is cut off ends where it can no longer be read. */
export function readOptions(body: Uint8Array, at: number, little: boolean): Option[] {
  const view = viewOf(body);
  const options: Option[] = [];
  while (at + 4 <= body.length) {
    const code = view.getUint16(at, little);
    const length = view.getUint16(at + 2, little);
    if (code === optionCodes.end || at + 4 + length > body.length) break;
    options.push({ code, value: body.slice(at + 4, at + 4 + length) });
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return options;
}

/** Options with the mark of their end; nothing at all if there are none. A value's length has 16 bits: more is cut. */
export function writeOptions(options: readonly Option[], little: boolean): Uint8Array[] {
  if (options.length === 0) return [];
  const parts = options.flatMap(({ code, value: whole }) => {
    const value = whole.subarray(0, 0xffff);
    const head = new Uint8Array(4);
    viewOf(head).setUint16(0, code, little);
    viewOf(head).setUint16(2, value.length, little);
    return [head, padTo(value, 4)];
  });
  return [...parts, new Uint8Array(4)];
}
