import { execFileSync } from "node:child_process";

interface Locked {
  readonly bytes_memlock?: number;
}

/** Bytes that the programs and maps of the whole machine take: differences count. */
export function kernelMemory(): number {
  const bytes = (what: string): number => {
    const text = execFileSync("bpftool", ["-j", what, "list"], { encoding: "utf8", maxBuffer: 2 ** 28 });
    return (JSON.parse(text) as readonly Locked[]).reduce((sum, one) => sum + (one.bytes_memlock ?? 0), 0);
  };
  return bytes("prog") + bytes("map");
}
