import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";

/** The project's folder, without a slash at its end. */
export const root: string = join(import.meta.dirname, "../..");

/**
 * The paths, relative to `root`, of all files that git tracks or would offer to add.
 *
 * `safe.directory` because a checkout often belongs to another user than the one that tests it (containers).
 */
export function projectFiles(): string[] {
  const options = ["-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"];
  const listing = execFileSync("git", options, { cwd: root, encoding: "utf8", maxBuffer: 1 << 26 });
  const paths = new Set(listing.split("\0").filter((path) => path !== ""));
  return [...paths].filter((path) => existsSync(join(root, path))).sort();
}
