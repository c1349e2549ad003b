/** A small function that writes metadata for the functions behind it and reads what those before it wrote. */
import type { Module } from "../../../src/compiler/hir/tree.ts";
import { compileSource } from "../../../src/engine/source.ts";

/** Values of each width that travel with a packet. */
export interface Marks {
  readonly flag: boolean;
  readonly byte: number;
  readonly zone: number;
  readonly word: number;
  readonly deep: bigint;
}

export const noMarks: Marks = { flag: false, byte: 0, zone: 0, word: 0, deep: 0n };

let compiled: Module | undefined;

export async function markerModule(): Promise<Module> {
  compiled ??= (await compileSource(new URL("kernel.ts", import.meta.url).pathname)).module;
  return compiled;
}

export interface Marked {
  /** What the marker read. */
  readonly read: Marks;
  /** What functions behind it read. */
  readonly marks: Marks;
  readonly outcome: "forward" | "short" | "closed";
}

/** What the kernel module does, in plain TypeScript. `number` tells markers apart. */
export function markerModel(frame: Uint8Array, number: number, read: Marks): Marked {
  if (frame.length < 14) return { read, marks: read, outcome: "short" };
  const [low, other] = [frame[11]!, frame[5]!];
  let marks = read;
  if (((low + number) & 1) === 1)
    marks = {
      flag: !read.flag,
      byte: (read.byte + low + 250) & 0xff,
      zone: (read.zone * 3 + other + 0xff00) & 0xffff,
      word: (read.word ^ (0xdead_0000 + low)) >>> 0,
      deep: BigInt.asUintN(64, (read.deep << 7n) ^ (0xfeed_face_0000_0000n + BigInt(number))),
    };
  const closed = read.flag && read.byte % 8 === number;
  return { read, marks, outcome: closed ? "closed" : "forward" };
}
