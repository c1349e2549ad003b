/** The rival: the newest clang that is installed. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { IovisorError } from "../../src/errors.ts";
import { outputFolder } from "./output.ts";

/** Instruction sets, as clang names them. */
export type Isa = "v3" | "v4";

/** The newest of `clang-22`, `clang-19`, ... in PATH, else plain `clang`. Throws E_USAGE with what installs one. */
export function findClang(): string {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const versions = folders
    .flatMap(filesOf)
    .flatMap((name) => /^clang-(?<version>\d+)$/.exec(name)?.groups?.["version"] ?? []);
  const newest = Math.max(...versions.map(Number));
  if (versions.length > 0) return `clang-${newest}`;
  if (folders.flatMap(filesOf).includes("clang")) return "clang";
  throw new IovisorError("E_USAGE", "there is no clang to compare with", "run `sh bench/setup.sh` as root");
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** clang's own name and version. */
export function clangVersion(): string {
  return execFileSync(findClang(), ["--version"], { encoding: "utf8" }).split("\n")[0] ?? "";
}

export interface ClangOptions {
  readonly isa?: Isa;
  /** Macros, as with `-D`. */
  readonly defines?: Readonly<Record<string, number>>;
  /** Name of the object; by default made of the source's folder. */
  readonly name?: string;
}

/** Compiles a C file at -O2 to an eBPF object and returns its bytes and the milliseconds that clang took. */
export function compileC(path: string, options: ClangOptions = {}): { bytes: Uint8Array; milliseconds: number } {
  const isa = options.isa ?? "v3";
  const name = options.name ?? path.split("/").at(-2) ?? "program";
  const object = join(outputFolder("objects"), `${name}.${isa}.o`);
  const defines = Object.entries(options.defines ?? {}).map(([macro, value]) => `-D${macro}=${value}`);
  // Where Debian keeps <asm/types.h>; elsewhere it is found without.
  const headers = `-I/usr/include/${process.arch === "arm64" ? "aarch64" : "x86_64"}-linux-gnu`;
  const flags = ["-O2", "-g", "-Wall", "-Werror", "-target", "bpf", `-mcpu=${isa}`, headers, ...defines];
  const start = performance.now();
  execFileSync(findClang(), [...flags, "-c", path, "-o", object], { stdio: ["ignore", "inherit", "inherit"] });
  return { milliseconds: performance.now() - start, bytes: readFileSync(object) };
}
