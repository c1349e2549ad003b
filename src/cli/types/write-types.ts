import { existsSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { makeFolder, systemReason } from "../../engine/files.ts";
import { IovisorError } from "../../errors.ts";
import type { TypesArguments } from "../commands/types.ts";

const packageFolder = resolve(import.meta.dirname, "../../..");

/** `iovisor types`: an editor's set-up for a folder of functions, kernel code and host sides. */
export function writeTypes(folder: string, { force }: TypesArguments): void {
  const first = join(folder, "tsconfig.json");
  if (resolve(folder) === packageFolder) {
    const remedy = "name a folder of your own: iovisor types ../functions";
    throw new IovisorError("E_USAGE", `${first} is that of IO Visor itself`, remedy);
  }
  const files = Object.entries(typesFiles(folder)).map(([name, config]) => [join(folder, name), config] as const);
  const taken = files.map(([path]) => path).find((path) => existsSync(path));
  if (taken !== undefined && !force) {
    throw new IovisorError("E_BUSY", `${taken} is there already`, "replace it with --force");
  }
  for (const [path, config] of files) write(folder, path, `${JSON.stringify(config, null, 2)}\n`);
  const checked = "tsc -b checks both, and so do editors";
  process.stderr.write(`${first}: kernel code sees the kernel library, host sides see Node's types; ${checked}\n`);
}

function write(folder: string, path: string, text: string): void {
  try {
    makeFolder(resolve(folder));
    writeFileSync(path, text);
  } catch (error) {
    const why = systemReason(error);
    throw new IovisorError("E_USAGE", `${path} cannot be written: ${why}`, "choose a folder that can be written");
  }
}

/** Host code of a folder; all else is kernel code. */
const hostCode = ["**/host.ts", "**/*.host.ts", "**/host/**/*.ts", "**/*.test.ts"];

/**
 * Kernel code and host code have nothing in common but the folder: two projects, and one that names both, by which
 * editors and `tsc -b` find them.
 */
export function typesFiles(folder: string): Readonly<Record<string, object>> {
  return {
    "tsconfig.json": { files: [], references: [{ path: "./tsconfig.kernel.json" }, { path: "./tsconfig.host.json" }] },
    "tsconfig.kernel.json": kernelConfig(folder),
    "tsconfig.host.json": hostConfig(folder),
  };
}

/** `tsc -b` notes what it checked in a file: not beside the sources. */
function notes(kind: string): string {
  return `./node_modules/.cache/iovisor/${kind}.tsbuildinfo`;
}

/** The settings of this package's own kernel code, with paths to its library. */
export function kernelConfig(folder: string): object {
  const to = pathsTo(folder);
  return {
    extends: to("tsconfig.kernel.json"),
    compilerOptions: { tsBuildInfoFile: notes("kernel"), paths: kernelPaths(to) },
    include: ["**/*.ts", to("src/language/kernel/lib.d.ts")],
    exclude: ["**/node_modules", ...hostCode],
  };
}

/** The settings of this package's host code, with Node's types from where it has them. */
function hostConfig(folder: string): object {
  const to = pathsTo(folder);
  const paths = { iovisor: [to("src/index.ts")], "iovisor/host": [to("src/engine/host/host-side.ts")] };
  return {
    extends: to("tsconfig.json"),
    compilerOptions: {
      tsBuildInfoFile: notes("host"),
      // Host code is made of ES modules whatever the nearest package.json says, or when there is none.
      ...{ module: "esnext", moduleResolution: "bundler", moduleDetection: "force" },
      typeRoots: [to("node_modules/@types")],
      paths: { ...paths, ...kernelPaths(to) },
    },
    // A project without a file would be an error.
    include: [...hostCode, to("src/engine/host/host-side.ts")],
    exclude: ["**/node_modules"],
  };
}

type PathTo = (path: string) => string;

function kernelPaths(to: PathTo): Readonly<Record<string, readonly string[]>> {
  return {
    "iovisor/kernel": [to("src/language/kernel/index.d.ts")],
    "iovisor/kernel/headers": [to("src/language/kernel/headers.ts")],
  };
}

/** Paths into this package as they are from a folder. */
function pathsTo(folder: string): PathTo {
  return (path) => {
    const found = relative(resolve(folder), join(packageFolder, path));
    return found.startsWith(".") ? found : `./${found}`;
  };
}
