import { readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { projectFiles, root } from "../../scripts/test/project-files.ts";

/** The text files of the project, by path: what the house rules look at. */
export type Project = ReadonlyMap<string, string>;

/** Data whose form is not ours to choose: recorded captures, generated plots, other compilers' input and output. */
const data = /\.(ll|pcap|pcapng|data|o|png|svg|gz|hir\.json)$|^LICENSE$/;

export function readProject(): Project {
  const paths = projectFiles().filter((path) => !data.test(path));
  return new Map(paths.map((path) => [path, readFileSync(join(root, path), "utf8")]));
}

/** A made-up project for the rules' own tests. */
export function made(files: Record<string, string>): Project {
  return new Map(Object.entries(files));
}

/** The lines of a file that match, as `path:line: text`. */
export function matchingLines(path: string, text: string, wanted: (line: string) => boolean): string[] {
  return text
    .split("\n")
    .flatMap((line, index) => (wanted(line) ? [`${path}:${index + 1}: ${line.trim().slice(0, 120)}`] : []));
}

/** True when `path` is a file of the project or a folder with files in it. */
export function exists(project: Project, path: string): boolean {
  const clean = posix.normalize(path).replace(/\/$/, "");
  if (clean === "." || project.has(clean)) return true;
  for (const file of project.keys()) if (file.startsWith(`${clean}/`)) return true;
  return false;
}

export function isSource(path: string): boolean {
  return /\.[cm]?[jt]s$/.test(path);
}

export function isTest(path: string): boolean {
  return path.endsWith(".test.ts");
}
