import type { Size } from "../ir/ir.ts";
import type { Reference } from "./lowered.ts";

/** Cuts a range of bytes into accesses of at most `alignment` bytes each. */
export function* pieces(size: number, alignment: number): Iterable<readonly [offset: number, size: Size]> {
  let offset = 0;
  for (const piece of [8, 4, 2, 1] as const) {
    if (piece > alignment) continue;
    for (; size - offset >= piece; offset += piece) yield [offset, piece];
  }
}

/**
 * How wide an access may be at `delta` bytes behind a reference. The stack takes aligned ones only (check_stack_read,
 * check_ptr_alignment in kernel/bpf/verifier.c); packets, map values and records take any on x86-64 and arm64.
 */
export function accessAlignment(ref: Reference, delta = 0): number {
  if (ref.region !== "local" && ref.region !== "context") return 8;
  const offset = ref.offset + delta;
  return offset === 0 ? ref.align : Math.min(ref.align, offset & -offset);
}
