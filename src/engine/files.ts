import { accessSync, constants, mkdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { IovisorError } from "../errors.ts";

/** Makes sure that a file which the user named is there and can be read. @throws E_USAGE */
export function requireFile(path: string, remedy: string): void {
  const why = whyUnreadable(path);
  if (why !== undefined) throw new IovisorError("E_USAGE", `${path} ${why}`, remedy);
}

function whyUnreadable(path: string): string | undefined {
  try {
    const status = statSync(path);
    if (!status.isFile() && !status.isFIFO()) return "is not a file";
    accessSync(path, constants.R_OK);
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return "does not exist";
    return `cannot be read: ${code === "EACCES" ? "permission denied" : systemReason(error)}`;
  }
}

/** Node's message for a failed call without the call and its paths: "EISDIR: illegal operation on a directory". */
export function systemReason(error: unknown): string {
  return (error as Error).message.split(",")[0]!;
}

/**
 * Makes a folder and those above it. `mkdirSync` with `recursive` never returns where the kernel says ENOENT below a
 * folder that is there, as in /proc (Node 24).
 */
export function makeFolder(path: string, mode = 0o777): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(path) !== path) makeFolder(dirname(path), mode);
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    // Somebody else was faster.
    if ((error as NodeJS.ErrnoException).code !== "EEXIST" || !statSync(path).isDirectory()) throw error;
  }
}
