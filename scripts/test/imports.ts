import { posix } from "node:path";
import ts from "typescript";

/** Paths (relative to the project) and package names that each file imports, by path. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>;

/**
 * All that a file names as a module: `import`, `import type`, `export from`, `import()`, also in types, and
 * `new URL("./x", import.meta.url)`, the way to name a kernel module, which Node never imports.
 *
 * @returns paths relative to the project for relative specifiers, else the specifier as it stands
 */
export function importsOf(path: string, text: string): string[] {
  const specifiers = ts.preProcessFile(text, true, false).importedFiles.map((file) => file.fileName);
  for (const match of text.matchAll(/new URL\(\s*"(?<target>\.[^"]*)",\s*import\.meta\.url\s*\)/g)) {
    specifiers.push(match.groups?.["target"] ?? "");
  }
  return specifiers.map((specifier) => resolve(path, specifier));
}

function resolve(from: string, specifier: string): string {
  return specifier.startsWith(".") ? posix.normalize(posix.join(posix.dirname(from), specifier)) : specifier;
}

export function importGraph(files: ReadonlyMap<string, string>): ImportGraph {
  const sources = [...files].filter(([path]) => /\.[cm]?[jt]s$/.test(path));
  // A declaration file names another by the `.js` that it would describe.
  const actual = (path: string): string => {
    const declaration = path.replace(/\.js$/, ".d.ts");
    return files.has(path) || !files.has(declaration) ? path : declaration;
  };
  return new Map(sources.map(([path, text]) => [path, importsOf(path, text).map(actual)]));
}

/** All files that can be reached from `starts` by imports, `starts` included. */
export function reachable(graph: ImportGraph, starts: Iterable<string>): Set<string> {
  const seen = new Set<string>();
  const waiting = [...starts];
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    waiting.push(...(graph.get(path) ?? []));
  }
  return seen;
}
