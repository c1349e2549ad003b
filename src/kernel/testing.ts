/** What kernel tests share: can this process use bpf(2), and names that do not collide with other test processes. */
import { mapCreate, mapTypes } from "./sys/bpf.ts";
import { errnoText } from "./sys/errno.ts";
import { syscall } from "./sys/native.ts";
import { NR } from "./sys/numbers.ts";

function tryBpf(): string | false {
  const fd = mapCreate({ type: mapTypes.array, keySize: 4, valueSize: 4, maxEntries: 1 });
  if (fd < 0) return `bpf(2) is not permitted here: ${errnoText(fd)}`;
  syscall(NR.close, fd);
  return false;
}

/** For `test(..., { skip })`: false where bpf(2) works, else the reason. */
export const skipWithoutBpf: string | false = tryBpf();

let counter = 0;

/** A name that no other test process uses, at most 15 characters: fit for devices, objects and namespaces. */
export function uniqueName(): string {
  return `iov${process.pid}_${counter++}`;
}

/** A u32 as little-endian bytes, the form of most keys in tests. */
export function u32(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value, true);
  return bytes;
}

/** A u64 as little-endian bytes. */
export function u64(value: bigint): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value, true);
  return bytes;
}

/** Reads a little-endian u64. */
export function readU64(bytes: Uint8Array, offset = 0): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(offset, true);
}
