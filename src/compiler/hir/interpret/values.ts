import type { Layout } from "../layout.ts";
import type { Position } from "../position.ts";
import type { Region } from "../types.ts";
import { InterpreterTrap } from "./trap.ts";

/** Where a verdict sends the packet; its number depends on the hook. */
export interface Verdict {
  readonly name: string;
  /** The device of a redirect. */
  readonly ifindex?: bigint;
  /** A redirect to the stack of the device instead of out of it. */
  readonly ingress?: true;
  /** The devices of a broadcast. */
  readonly broadcast?: readonly number[];
  /** Of the verdicts in a graph. */
  readonly graph?: GraphVerdict;
}

/** Where a verdict leads in a graph. */
export interface GraphVerdict {
  /** The port that it is forwarded to. */
  readonly port?: number;
  /** The group of ports that it is flooded to, and the tag for those that are tagged. */
  readonly group?: number;
  readonly tagControl?: number;
  /** Why it is dropped (0: unspecified) or punted. */
  readonly reason?: number;
}

/** Bytes that references point into. The packet's are replaced when it is resized, and its epoch counts that. */
export interface Storage {
  bytes: Uint8Array;
  epoch: number;
}

export interface MemoryReference {
  readonly kind: "memory";
  readonly region: Region;
  readonly storage: Storage;
  /** The storage's epoch when this was made: it is stale in any other. */
  readonly epoch: number;
  readonly offset: number;
  readonly layout: Layout;
}

/** A kernel object of the surrounding model (`KernelModel`). */
export interface ObjectReference {
  readonly kind: "object";
  readonly region: Region;
  readonly object: unknown;
  readonly layout: Layout;
}

export type Reference = MemoryReference | ObjectReference;

/** A value of HIR. An optional is its value, or undefined. */
export type Value = bigint | boolean | Verdict | Reference | undefined;

export function referenceTo(region: Region, storage: Storage, offset: number, layout: Layout): MemoryReference {
  return { kind: "memory", region, storage, epoch: storage.epoch, offset, layout };
}

/** New storage that one reference covers. */
export function referenceToBytes(region: Region, bytes: Uint8Array, layout: Layout): MemoryReference {
  return referenceTo(region, { bytes, epoch: 0 }, 0, layout);
}

export function asInteger(value: Value, at: Position): bigint {
  if (typeof value === "bigint") return value;
  throw new InterpreterTrap("an integer was expected", at);
}

export function asBoolean(value: Value, at: Position): boolean {
  if (typeof value === "boolean") return value;
  throw new InterpreterTrap("a bool was expected", at);
}

export function asReference(value: Value, at: Position): Reference {
  if (typeof value === "object" && "kind" in value) return value;
  throw new InterpreterTrap("a reference was expected", at);
}

/** A reference to bytes that are there; traps on stale packet references and on kernel objects. */
export function asMemory(value: Value, at: Position): MemoryReference {
  const reference = asReference(value, at);
  if (reference.kind !== "memory") throw new InterpreterTrap("kernel memory is read through its fields only", at);
  if (reference.epoch !== reference.storage.epoch)
    throw new InterpreterTrap("a packet reference is used after the packet was changed", at);
  return reference;
}
