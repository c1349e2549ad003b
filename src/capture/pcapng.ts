import { badCapture, type CapturedPacket, longestPacket } from "./capture.ts";
import { plain, viewOf } from "./octets.ts";
import { blockTypes, byteOrderMagic, directionFlags, optionCodes, readOptions } from "./pcapng-blocks.ts";

const utf8 = { decode: (bytes: Uint8Array) => new TextDecoder().decode(bytes) };
const second = 1_000_000_000n;

interface Interface {
  readonly name: string | undefined;
  readonly linkType: number;
  readonly snapLength: number;
  /** Units of the timestamps in a second. */
  readonly unitsPerSecond: bigint;
  /** Seconds to add. */
  readonly offset: bigint;
}

/** What has been read of the current section. */
interface Section {
  readonly little: boolean;
  readonly interfaces: Interface[];
}

export function isPcapng(bytes: Uint8Array): boolean {
  return bytes.length >= 12 && viewOf(bytes).getUint32(0) === blockTypes.section;
}

/**
 * The packets of a pcapng file: several sections, either byte order, any time resolution. Blocks of other kinds are
 * skipped. Throws E_FORMAT with the position where the file does not hold together.
 */
export function readPcapng(file: Uint8Array): CapturedPacket[] {
  const bytes = plain(file);
  if (!isPcapng(bytes)) throw badCapture("it does not begin with a pcapng section");
  const view = viewOf(bytes);
  const packets: CapturedPacket[] = [];
  let section: Section = { little: true, interfaces: [] };
  for (let at = 0; at < bytes.length; ) {
    if (at + 12 > bytes.length) throw badCapture(`the block at byte ${at} is cut off`);
    // A section's type reads the same in both orders; its body says which one holds.
    if (view.getUint32(at) === blockTypes.section) section = { little: sectionOrder(view, at), interfaces: [] };
    const type = view.getUint32(at, section.little);
    const length = view.getUint32(at + 4, section.little);
    if (length < 12 || length % 4 !== 0 || at + length > bytes.length) {
      throw badCapture(`the block at byte ${at} says it has ${length} bytes, ${bytes.length - at} are left`);
    }
    const body = bytes.subarray(at + 8, at + length - 4);
    if (type === blockTypes.interface) section.interfaces.push(readInterface(body, section.little, at));
    if (type === blockTypes.packet) packets.push(readPacket(body, section, at));
    if (type === blockTypes.simplePacket) packets.push(readSimplePacket(body, section, at));
    at += length;
  }
  return packets;
}

function sectionOrder(view: DataView, at: number): boolean {
  for (const little of [true, false]) if (view.getUint32(at + 8, little) === byteOrderMagic) return little;
  throw badCapture(`the section at byte ${at} has no byte-order mark`);
}

function readInterface(body: Uint8Array, little: boolean, at: number): Interface {
  if (body.length < 8) throw badCapture(`the interface at byte ${at} is cut off`);
  const view = viewOf(body);
  const options = readOptions(body, 8, little);
  const find = (code: number) => options.find((option) => option.code === code)?.value;
  const name = find(optionCodes.interfaceName);
  const offset = find(optionCodes.timeOffset);
  return {
    name: name && utf8.decode(name),
    linkType: view.getUint16(0, little),
    snapLength: view.getUint32(4, little),
    unitsPerSecond: resolution(find(optionCodes.timeResolution)?.[0] ?? 6),
    offset: offset?.length === 8 ? viewOf(offset).getBigInt64(0, little) : 0n,
  };
}

/** The exponent of a power of 10, or of 2 where the highest bit is set. */
function resolution(value: number): bigint {
  return value & 0x80 ? 2n ** BigInt(value & 0x7f) : 10n ** BigInt(value);
}

function readPacket(body: Uint8Array, section: Section, at: number): CapturedPacket {
  if (body.length < 20) throw badCapture(`the packet at byte ${at} is cut off`);
  const { little } = section;
  const view = viewOf(body);
  const from = interfaceAt(section, view.getUint32(0, little), at);
  const units = (BigInt(view.getUint32(4, little)) << 32n) | BigInt(view.getUint32(8, little));
  const length = view.getUint32(12, little);
  if (length > longestPacket || 20 + length > body.length)
    throw badCapture(`the packet at byte ${at} overflows its block`);
  const options = readOptions(body, 20 + Math.ceil(length / 4) * 4, little);
  const flags = options.find((option) => option.code === optionCodes.packetFlags)?.value;
  const direction = flags?.length === 4 ? directionOf(viewOf(flags).getUint32(0, little)) : undefined;
  const comments = options
    .filter((option) => option.code === optionCodes.comment)
    .map((option) => utf8.decode(option.value));
  return {
    timestamp: (units * second) / from.unitsPerSecond + from.offset * second,
    bytes: body.slice(20, 20 + length),
    originalLength: view.getUint32(16, little),
    linkType: from.linkType,
    ...(from.name === undefined ? {} : { interface: from.name }),
    ...(comments.length === 0 ? {} : { comment: comments.join("\n") }),
    ...(direction === undefined ? {} : { direction }),
  };
}

function directionOf(flags: number): CapturedPacket["direction"] {
  const bits = flags & 3;
  if (bits === directionFlags.in) return "in";
  return bits === directionFlags.out ? "out" : undefined;
}

/** A packet without a time, from the section's first interface. */
function readSimplePacket(body: Uint8Array, section: Section, at: number): CapturedPacket {
  if (body.length < 4) throw badCapture(`the packet at byte ${at} is cut off`);
  const from = interfaceAt(section, 0, at);
  const originalLength = viewOf(body).getUint32(0, section.little);
  const length = Math.min(originalLength, from.snapLength || originalLength, body.length - 4);
  const name = from.name === undefined ? {} : { interface: from.name };
  return { timestamp: 0n, bytes: body.slice(4, 4 + length), originalLength, linkType: from.linkType, ...name };
}

function interfaceAt(section: Section, index: number, at: number): Interface {
  const found = section.interfaces[index];
  if (!found) throw badCapture(`the packet at byte ${at} is of interface ${index}, which was not described`);
  return found;
}
