import { type CapturedPacket, longestPacket } from "./capture.ts";
import { concat, padTo, viewOf } from "./octets.ts";
import { blockTypes, byteOrderMagic, directionFlags, type Option, optionCodes, writeOptions } from "./pcapng-blocks.ts";

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

export interface PcapngOptions {
  readonly bigEndian?: boolean;
}

/** A little-endian (or big-endian) file of one section with nanosecond timestamps and comments. */
export function writePcapng(packets: readonly CapturedPacket[], options: PcapngOptions = {}): Uint8Array<ArrayBuffer> {
  const writer = new PcapngWriter(options);
  return concat(writer.header(), ...packets.map((packet) => writer.packet(packet)));
}

/** Makes a file piece by piece: what its methods give, one after the other, is the file. */
export class PcapngWriter {
  readonly #little: boolean;
  readonly #interfaces = new Map<string, number>();

  constructor({ bigEndian = false }: PcapngOptions = {}) {
    this.#little = !bigEndian;
  }

  header(): Uint8Array<ArrayBuffer> {
    const head = new Uint8Array(16);
    viewOf(head).setUint32(0, byteOrderMagic, this.#little);
    viewOf(head).setUint16(4, 1, this.#little);
    // The length of the section is not known to the header: -1.
    head.fill(0xff, 8);
    return this.#block(blockTypes.section, [head]);
  }

  /** A packet, and in front of the first one of an interface the interface. */
  packet(packet: CapturedPacket): Uint8Array<ArrayBuffer> {
    const known = this.#interfaces.get(keyOf(packet));
    if (known !== undefined) return this.#packetBlock(packet, known);
    const made = this.interface(packet);
    return concat(made, this.#packetBlock(packet, this.#interfaces.get(keyOf(packet))!));
  }

  /** An interface before it has packets. */
  interface(of: Pick<CapturedPacket, "interface" | "linkType">): Uint8Array<ArrayBuffer> {
    this.#interfaces.set(keyOf(of), this.#interfaces.size);
    const head = new Uint8Array(8);
    viewOf(head).setUint16(0, of.linkType, this.#little);
    viewOf(head).setUint32(4, longestPacket, this.#little);
    const options: Option[] = [{ code: optionCodes.timeResolution, value: Uint8Array.of(9) }];
    if (of.interface !== undefined) {
      options.unshift({ code: optionCodes.interfaceName, value: encode(of.interface) });
    }
    return this.#block(blockTypes.interface, [head, ...writeOptions(options, this.#little)]);
  }

  /** Packets that were not captured for lack of room, told of the first interface. Nothing where there is none. */
  drops(drops: bigint, timestamp: bigint): Uint8Array<ArrayBuffer> {
    if (this.#interfaces.size === 0) return new Uint8Array(0);
    const head = new Uint8Array(12);
    viewOf(head).setUint32(4, Number(timestamp >> 32n), this.#little);
    viewOf(head).setUint32(8, Number(timestamp & 0xffffffffn), this.#little);
    const value = new Uint8Array(8);
    viewOf(value).setBigUint64(0, drops, this.#little);
    const options = writeOptions([{ code: optionCodes.interfaceDrops, value }], this.#little);
    return this.#block(blockTypes.statistics, [head, ...options]);
  }

  #packetBlock(packet: CapturedPacket, index: number): Uint8Array<ArrayBuffer> {
    const little = this.#little;
    const head = new Uint8Array(20);
    const view = viewOf(head);
    view.setUint32(0, index, little);
    view.setUint32(4, Number(packet.timestamp >> 32n), little);
    view.setUint32(8, Number(packet.timestamp & 0xffffffffn), little);
    view.setUint32(12, packet.bytes.length, little);
    view.setUint32(16, packet.originalLength, little);
    const options = writeOptions(this.#packetOptions(packet), little);
    return this.#block(blockTypes.packet, [head, padTo(packet.bytes, 4), ...options]);
  }

  #packetOptions({ comment, direction }: CapturedPacket): readonly Option[] {
    const options: Option[] = [];
    if (comment !== undefined) options.push({ code: optionCodes.comment, value: encode(comment) });
    if (direction !== undefined) {
      const value = new Uint8Array(4);
      viewOf(value).setUint32(0, directionFlags[direction], this.#little);
      options.push({ code: optionCodes.packetFlags, value });
    }
    return options;
  }

  /** Type, length, body, and the length again. */
  #block(type: number, parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
    const body = concat(...parts);
    const head = new Uint8Array(8);
    const tail = new Uint8Array(4);
    viewOf(head).setUint32(0, type, this.#little);
    viewOf(head).setUint32(4, body.length + 12, this.#little);
    viewOf(tail).setUint32(0, body.length + 12, this.#little);
    return concat(head, body, tail);
  }
}

function keyOf(of: Pick<CapturedPacket, "interface" | "linkType">): string {
  return `${of.linkType} ${of.interface ?? ""}`;
}
