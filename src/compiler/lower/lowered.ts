import type { Layout } from "../hir/layout.ts";
import type { Region } from "../hir/types.ts";
import type { MemoryRegion, Value } from "../ir/ir.ts";

/** What an HIR expression becomes: registers, with what is known at compile time beside them. */
export type Lowered = LoweredScalar | Reference | LoweredOptional | LoweredVoid;

export interface LoweredScalar {
  readonly kind: "scalar";
  readonly value: Value;
}

/** `base + offset` is the address; the constant part stays apart so that it becomes a load's displacement. */
export interface Reference {
  readonly kind: "ref";
  readonly base: Value;
  readonly offset: number;
  readonly region: Region;
  readonly layout: Layout;
  /** Alignment of `base` in bytes, where that matters: the verifier takes only aligned accesses to the stack. */
  readonly align: number;
}

export interface LoweredOptional {
  readonly kind: "optional";
  /** Known at compile time, or a register that is zero when absent (for a map's value: its address itself). */
  readonly present: Value | "always" | "never";
  readonly of: LoweredScalar | Reference;
}

export interface LoweredVoid {
  readonly kind: "void";
}

export function scalar(value: Value): LoweredScalar {
  return { kind: "scalar", value };
}

export const nothing: LoweredVoid = Object.freeze({ kind: "void" });

const memoryRegions: Readonly<Record<Region, MemoryRegion>> = {
  packet: "packet",
  map: "map",
  local: "stack",
  // A reserved record is handed out by the ring buffer: no other reference reaches it, but it is no stack either.
  record: "map",
  context: "context",
  kernel: "kernel",
  constant: "map",
};

export function memoryRegion(region: Region): MemoryRegion {
  return memoryRegions[region];
}
