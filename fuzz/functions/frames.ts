/** What the cases of all functions share: how frames arrive, and how what differs is shown. */
import { isTagProtocol } from "../../src/compiler/hir/tag-protocols.ts";
import type { PipelineHook } from "../../src/engine/pipeline/topology.ts";
import type { Arrival } from "./witness.ts";

/** A tag at TCX is beside the frame when the device took it out, and inside when a program sent it like that. */
export function arrivesAs(
  made: Uint8Array,
  at: {
    readonly hook: PipelineHook;
    /** Bytes on the wire of the shortest frame. */
    readonly shortest: number;
    readonly random: { chance(percent: number): boolean };
  },
): Pick<Arrival, "frame" | "tag"> {
  const frame = padded(made, at.shortest);
  const isTagged = frame.length >= 18 && isTagProtocol((frame[12]! << 8) | frame[13]!);
  if (at.hook === "xdp" || !isTagged || at.random.chance(30)) return { frame, tag: undefined };
  const tag = new DataView(frame.buffer, frame.byteOffset).getUint32(12);
  return { frame: Uint8Array.of(...frame.subarray(0, 12), ...frame.subarray(16)), tag };
}

export function padded(frame: Uint8Array, shortest: number): Uint8Array {
  return Uint8Array.of(...frame, ...new Uint8Array(Math.max(0, shortest - frame.length)));
}

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

export function print(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? String(inner) : inner));
}

/** How often each outcome came, over several cases. */
export class Tally {
  readonly #counts = new Map<string, number>();

  add(outcomes: Readonly<Record<string, number>>): void {
    for (const [name, count] of Object.entries(outcomes)) this.#counts.set(name, this.of(name) + count);
  }

  of(name: string): number {
    return this.#counts.get(name) ?? 0;
  }
}
