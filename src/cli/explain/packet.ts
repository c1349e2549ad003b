import { existsSync, readFileSync } from "node:fs";
import { linkTypes } from "../../capture/capture.ts";
import { buildPacket, describePacket } from "../../capture/packet.ts";
import { readCapture } from "../../capture/read-capture.ts";
import { requireFile } from "../../engine/files.ts";
import { IovisorError } from "../../errors.ts";

/** Bytes of an Ethernet header: what a packet without one gets in front. */
const ethernetLength = 14;

/** A packet from a capture file (the `index`-th, from 1) or from a description. It begins with its Ethernet header. */
export function readPacket(text: string, index: number): Uint8Array {
  if (existsSync(text) || /\.(pcap|pcapng|cap)$/.test(text)) return capturedPacket(text, index);
  const bytes = buildPacket(text);
  return /^\s*ip6?\b/.test(text) ? framed(bytes) : bytes;
}

function capturedPacket(path: string, index: number): Uint8Array {
  requireFile(path, "give the path of a capture file that you may read, or describe a packet");
  const packets = readNamed(path);
  const packet = packets[index - 1];
  if (!packet) {
    throw new IovisorError("E_USAGE", `${path} has no packet ${index}`, `it has ${packets.length}, counted from 1`);
  }
  if (packet.linkType === linkTypes.ip) return framed(packet.bytes);
  if (packet.linkType === linkTypes.ethernet) return packet.bytes;
  const remedy = "capture on an Ethernet device";
  throw new IovisorError("E_USAGE", `packet ${index} of ${path} has link type ${packet.linkType}`, remedy);
}

/** @throws E_FORMAT that names the file */
function readNamed(path: string): ReturnType<typeof readCapture> {
  try {
    return readCapture(readFileSync(path));
  } catch (cause) {
    if (!(cause instanceof IovisorError)) throw cause;
    throw new IovisorError(cause.code, `${path}: ${cause.message}`, cause.remedy, { cause });
  }
}

/** An IP packet in a frame with empty addresses. */
function framed(packet: Uint8Array): Uint8Array {
  const frame = new Uint8Array(ethernetLength + packet.length);
  frame.set(packet, ethernetLength);
  const type = packet[0]! >> 4 === 6 ? 0x86dd : 0x0800;
  new DataView(frame.buffer).setUint16(12, type);
  return frame;
}

/** A packet in one line. */
export function showPacket(bytes: Uint8Array): string {
  return `${describePacket(bytes)} (${bytes.length} bytes)`;
}
