/** `struct bpf_map_info`, decoded. */

import { type MapTypeName, mapTypes, nameOf, objectInfo } from "../sys/bpf.ts";
import { checked } from "../system-error.ts";

/** What the kernel tells about a map. */
export interface MapInfo {
  readonly id: number;
  readonly type: MapTypeName;
  readonly name: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly btfId: number;
  readonly btfKeyTypeId: number;
  readonly btfValueTypeId: number;
  readonly extra: number;
}

const INFO_SIZE = 88;

/** A zero-terminated name inside an info structure. */
export function infoName(bytes: Uint8Array, offset: number): string {
  const end = bytes.indexOf(0, offset);
  return new TextDecoder().decode(bytes.subarray(offset, Math.min(end < 0 ? offset + 16 : end, offset + 16)));
}

/** Asks the kernel about the map behind a descriptor. */
export function readMapInfo(fd: number): MapInfo {
  const bytes = new Uint8Array(INFO_SIZE);
  checked(objectInfo(fd, bytes), "reading a map's information");
  const view = new DataView(bytes.buffer);
  const u32 = (offset: number) => view.getUint32(offset, true);
  return {
    type: nameOf(mapTypes, u32(0)) as MapTypeName,
    id: u32(4),
    keySize: u32(8),
    valueSize: u32(12),
    maxEntries: u32(16),
    flags: u32(20),
    name: infoName(bytes, 24),
    btfId: u32(64),
    btfKeyTypeId: u32(68),
    btfValueTypeId: u32(72),
    extra: Number(view.getBigUint64(80, true)),
  };
}
