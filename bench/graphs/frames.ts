/** Sets of frames for generators: 60 bytes each, a power of two of them, the same for the same arguments. */
import { buildPacket } from "../../src/capture/packet.ts";

export const frameBytes = 60;
const [checksumAt, destinationAt, ipAt, ipBytes] = [24, 30, 14, 20];

export interface FrameEnds {
  readonly macs: readonly [source: string, destination: string];
  readonly addresses?: readonly [source: string, destination: string];
  /** Source and destination. */
  readonly ports?: readonly [number, number];
}

export function frame({ macs, addresses = ["10.0.1.2", "10.0.2.2"], ports = [1, 2] }: FrameEnds): Uint8Array {
  const between = (ends: readonly (string | number)[]): string => ends.join(" > ");
  const udp = `udp ${between(ports)} checksum 0 / payload 18`;
  return buildPacket(`eth ${between(macs)} / ip ${between(addresses)} / ${udp}`);
}

/** The frame to another IPv4 address, given as a number. */
export function frameTo(template: Uint8Array, destination: number): Uint8Array {
  const made = template.slice();
  const view = new DataView(made.buffer);
  view.setUint32(destinationAt, destination);
  view.setUint16(checksumAt, 0);
  let sum = 0;
  for (let at = 0; at < ipBytes; at += 2) sum += view.getUint16(ipAt + at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  view.setUint16(checksumAt, ~sum & 0xffff);
  return made;
}

/** "02:00:00:00:SIDE:NUMBER" */
export function stationMac(side: number, number: number): string {
  const byte = (value: number): string => value.toString(16).padStart(2, "0");
  return `02:00:00:${byte(side)}:${byte(number >>> 8)}:${byte(number & 255)}`;
}

export const destinationCount = 4096;

/** Frames to as many destinations. */
export function manyDestinations(): readonly Uint8Array[] {
  const template = frame({ macs: [stationMac(1, 1), stationMac(2, 1)] });
  return Array.from({ length: destinationCount }, (_, index) => frameTo(template, 0x0a00_0000 + index * 256 + 2));
}
