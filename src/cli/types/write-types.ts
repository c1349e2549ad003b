import { existsSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { makeFolder, systemReason } from "../../engine/files.ts";
import { IovisorError } from "../../errors.ts";
import type { TypesArguments } from "../commands/types.ts";

const packageFolder = resolve(import.meta.dirname, "../../..");

/** `iovisor types`: an editor's set-up for a folder of kernel code. */
export function writeTypes(folder: string, { force }: TypesArguments): void {
  const path = join(folder, "tsconfig.json");
  if (resolve(folder) === packageFolder) {
    const remedy = "name a folder of your own: iovisor types ../functions";
    throw new IovisorError("E_USAGE", `${path} is that of IO Visor itself`, remedy);
  }
  try {
    makeFolder(resolve(folder));
    writeFileSync(path, `${JSON.stringify(kernelConfig(folder), null, 2)}\n`, { flag: force ? "w" : "wx" });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EEXIST" && existsSync(path)) {
      throw new IovisorError("E_BUSY", `${path} is there already`, "replace it with --force");
    }
    const why = systemReason(error);
    throw new IovisorError("E_USAGE", `${path} cannot be written: ${why}`, "choose a folder that can be written");
  }
  process.stderr.write(`${path}: kernel code in ${folder} is now checked against the kernel library\n`);
}

/** The settings of this package's own kernel code, with paths to its library. */
export function kernelConfig(folder: string): object {
  const to = (path: string): string => relativePath(folder, join(packageFolder, path));
  return {
    extends: to("tsconfig.kernel.json"),
    compilerOptions: {
      paths: {
        "iovisor/kernel": [to("src/language/kernel/index.d.ts")],
        "iovisor/kernel/headers": [to("src/language/kernel/headers.ts")],
      },
    },
    include: ["**/*.ts", to("src/language/kernel/lib.d.ts")],
    exclude: ["**/*.test.ts", "**/*.host.ts", "**/host.ts"],
  };
}

function relativePath(from: string, to: string): string {
  const path = relative(resolve(from), to);
  return path.startsWith(".") ? path : `./${path}`;
}
