import { sizeOf } from "./layout.ts";
import type { MapDeclaration } from "./tree.ts";

/** Where the parts of an event with a packet lie, in bytes. */
export interface PacketRecord {
  /** u32: the packet's length, and behind it (u32) how many of its bytes follow. */
  readonly length: number;
  readonly captured: number;
  readonly packet: number;
  readonly size: number;
}

/** The most bytes of a packet that an event carries. */
export const mostPacketBytes = 16384;
/** What events with packets have beside their own fields. */
export const packetFields: readonly string[] = ["length", "packet"];

/** The form of a ring buffer's records: the event, two lengths, room for the packet. Undefined without packets. */
export function packetRecord({ value, packetBytes }: MapDeclaration): PacketRecord | undefined {
  if (packetBytes === undefined || !value) return undefined;
  const length = (sizeOf(value) + 3) & ~3;
  return { length, captured: length + 4, packet: length + 8, size: length + 8 + packetBytes };
}

/** Why a ring buffer cannot have such events. */
export function packetRecordFault(map: MapDeclaration): string | undefined {
  if (map.packetBytes === undefined) return undefined;
  if (map.kind !== "ringBuffer") return "only ring buffers have events";
  if (map.packetBytes < 1 || map.packetBytes > mostPacketBytes) return `a packet has 1 to ${mostPacketBytes} bytes`;
  const record = packetRecord(map);
  if (!record || map.value?.kind !== "struct") return "the event in front of a packet is a struct";
  const taken = map.value.fields.find((field) => packetFields.includes(field.name));
  if (taken) return `events with packets have a field "${taken.name}" already`;
  // Each record takes 8 bytes more, and the producer never gets a whole ring ahead (__bpf_ringbuf_reserve).
  return record.size + 8 >= map.maxEntries ? `an event of ${record.size} bytes does not fit the ring` : undefined;
}
