import { IovisorError } from "../errors.ts";
import { badCapture, type CapturedPacket, longestPacket } from "./capture.ts";
import { concat, plain, viewOf } from "./octets.ts";

const magics = { microseconds: 0xa1b2c3d4, nanoseconds: 0xa1b23c4d } as const;
const headerLength = 24;
const recordLength = 16;
const second = 1_000_000_000n;

export function isPcap(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && byteOrder(viewOf(bytes)) !== undefined;
}

/** The packets of a pcap file of either byte order, in micro- or nanoseconds. Throws E_FORMAT with the position. */
export function readPcap(file: Uint8Array): CapturedPacket[] {
  const bytes = plain(file);
  const view = viewOf(bytes);
  const order = bytes.length >= headerLength ? byteOrder(view) : undefined;
  if (!order) throw badCapture("it does not begin with a pcap header");
  const { little, unit } = order;
  // The upper bits say whether frames end in a checksum; the type is in the lower 16.
  const linkType = view.getUint32(20, little) & 0xffff;
  const packets: CapturedPacket[] = [];
  for (let at = headerLength; at < bytes.length; ) {
    if (at + recordLength > bytes.length) throw badCapture(`the record at byte ${at} is cut off`);
    const length = view.getUint32(at + 8, little);
    const start = at + recordLength;
    if (length > longestPacket || start + length > bytes.length) {
      throw badCapture(`the record at byte ${at} has ${length} bytes of packet, the file ends before that`);
    }
    packets.push({
      timestamp: BigInt(view.getUint32(at, little)) * second + BigInt(view.getUint32(at + 4, little)) * unit,
      bytes: bytes.slice(start, start + length),
      originalLength: view.getUint32(at + 12, little),
      linkType,
    });
    at = start + length;
  }
  return packets;
}

/**
 * A pcap file; nanoseconds and little-endian unless said otherwise. All packets must be of one link type, which the
 * file's header holds; an empty file gets `linkType` (default Ethernet). Comments and interfaces are lost.
 */
export function writePcap(
  packets: readonly CapturedPacket[],
  options: { unit?: keyof typeof magics; bigEndian?: boolean; linkType?: number } = {},
): Uint8Array<ArrayBuffer> {
  const unit = options.unit ?? "nanoseconds";
  const little = !options.bigEndian;
  const linkType = packets[0]?.linkType ?? options.linkType ?? 1;
  const other = packets.find((packet) => packet.linkType !== linkType);
  if (other) {
    throw new IovisorError(
      "E_USAGE",
      `a pcap file holds one link type, these packets have ${linkType} and ${other.linkType}`,
      "write pcapng",
    );
  }
  const header = new Uint8Array(headerLength);
  const view = viewOf(header);
  view.setUint32(0, magics[unit], little);
  view.setUint16(4, 2, little);
  view.setUint16(6, 4, little);
  view.setUint32(16, longestPacket, little);
  view.setUint32(20, linkType, little);
  const divisor = unit === "nanoseconds" ? 1n : 1000n;
  return concat(header, ...packets.flatMap((packet) => [recordHeader(packet, divisor, little), packet.bytes]));
}

function recordHeader(packet: CapturedPacket, divisor: bigint, little: boolean): Uint8Array {
  const record = new Uint8Array(recordLength);
  const view = viewOf(record);
  view.setUint32(0, Number(packet.timestamp / second), little);
  view.setUint32(4, Number((packet.timestamp % second) / divisor), little);
  view.setUint32(8, packet.bytes.length, little);
  view.setUint32(12, packet.originalLength, little);
  return record;
}

/** Byte order and nanoseconds per unit of the fraction, from the magic number. */
function byteOrder(view: DataView): { little: boolean; unit: bigint } | undefined {
  for (const little of [true, false]) {
    const magic = view.getUint32(0, little);
    if (magic === magics.microseconds) return { little, unit: 1000n };
    if (magic === magics.nanoseconds) return { little, unit: 1n };
  }
  return undefined;
}
