import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

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

/** Bytes of the maps that this process has open. */
export function ownMapMemory(): number {
  const sizes = new Map<string, number>();
  for (const descriptor of readdirSync("/proc/self/fd")) {
    const [, size, id] = /^memlock:\s+(\d+)\nmap_id:\s+(\d+)/m.exec(infoOf(descriptor)) ?? [];
    if (id !== undefined) sizes.set(id, Number(size));
  }
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

function infoOf(descriptor: string): string {
  try {
    return readFileSync(`/proc/self/fdinfo/${descriptor}`, "utf8");
  } catch {
    // The listing's own descriptor is closed by now.
    return "";
  }
}
