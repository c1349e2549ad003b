import { importGraph, reachable } from "../../scripts/test/imports.ts";
import { isTest, type Project } from "./project.ts";

/** Files of src that no entry point and no test reaches through imports. */
export function deadFiles(project: Project): string[] {
  const alive = reachable(importGraph(project), entryPoints(project));
  return [...project.keys()].filter((path) => /^src\/.*\.[cm]?[jt]s$/.test(path) && !alive.has(path));
}

/** What starts by itself: the command line, scripts, benchmarks, tests, the package's exports, the tsconfigs' files. */
function entryPoints(project: Project): string[] {
  const started = [...project.keys()].filter((path) => isTest(path) || /^(scripts|bench|fuzz|examples)\//.test(path));
  return [
    ...["src/cli/main.ts", ...started, ...builtInFunctions(project)],
    ...[...namedIn(project, "package.json"), ...namedInTsconfigs(project)],
  ];
}

/** The table names folders; the catalogue finds the two sides of a function in there. */
function builtInFunctions(project: Project): string[] {
  const table = project.get("src/functions/table.ts") ?? "";
  return [...table.matchAll(/new URL\("\.\/(?<folder>[\w-]+)\/"/g)].flatMap((match) =>
    ["kernel.ts", "host.ts"].map((file) => `src/functions/${match.groups?.["folder"]}/${file}`),
  );
}

function namedInTsconfigs(project: Project): string[] {
  return [...project.keys()]
    .filter((path) => /tsconfig[.\w]*\.json$/.test(path))
    .flatMap((path) => namedIn(project, path));
}

/** The paths below src that a JSON file holds as strings. */
function namedIn(project: Project, path: string): string[] {
  const text = project.get(path) ?? "";
  return [...text.matchAll(/"(?:\.{1,2}\/)*(?<file>src\/[^"*]+)"/g)].map((match) => match.groups?.["file"] ?? "");
}
