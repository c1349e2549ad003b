import { FaultReason } from "../fault.ts";
import type { Memory } from "../memory.ts";

/** Which bytes of a context a program may write: offset and length. */
export type WritableRanges = readonly (readonly [offset: number, length: number])[];

/** A context of plain bytes: a tracepoint's record, BTF tracepoint arguments, `struct bpf_sock_addr`, input memory. */
export class PlainContext {
  readonly kind = "plain";
  readonly bytes: Uint8Array;
  readonly address: bigint;

  constructor(memory: Memory, bytes: Uint8Array, name: string, writable: WritableRanges) {
    this.bytes = bytes;
    this.address = memory.add(name, bytes, {
      fields: { load: () => undefined, checkStore: (offset, size) => checkWritable(writable, name, offset, size) },
    });
  }
}

/** Faults unless the bytes lie in one of the ranges. */
export function checkWritable(ranges: WritableRanges, name: string, offset: number, size: number): void {
  const fits = ranges.some(([start, length]) => offset >= start && offset + size <= start + length);
  if (!fits) {
    throw new FaultReason(`store of ${size} bytes to ${name}+${offset}, which is read-only`);
  }
}
