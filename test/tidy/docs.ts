import { posix } from "node:path";
import { exists, matchingLines, type Project } from "./project.ts";

/** Links of Markdown files that lead to no file of the project, or to no heading of it. */
export function deadLinks(project: Project): string[] {
  return markdown(project).flatMap(([path, text]) =>
    matchingLines(path, withoutCode(text), (line) =>
      [...line.matchAll(/\]\((?<target>[^)\s]+)\)/g)].some((match) =>
        isDead(project, path, match.groups?.["target"] ?? ""),
      ),
    ),
  );
}

function isDead(project: Project, from: string, target: string): boolean {
  if (/^[a-z]+:/.test(target)) return false;
  const [file = "", anchor] = target.split("#");
  const path = file === "" ? from : posix.join(posix.dirname(from), file);
  if (!exists(project, path)) return true;
  const text = project.get(path);
  return anchor !== undefined && text !== undefined && !headings(text).has(anchor);
}

/** The anchors that Markdown renderers make of headings. */
function headings(text: string): Set<string> {
  const titles = [...withoutCode(text).matchAll(/^#+ (?<title>.*)$/gm)].map((match) => match.groups?.["title"] ?? "");
  return new Set(
    titles.map((title) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N}\s_-]/gu, "")
        .trim()
        .replace(/\s/g, "-"),
    ),
  );
}

/** Paths that documents name, in code or in commands, that are not there. `<name>` and `*` stand for anything. */
const namedPath =
  /(?<![\w./<>-])(?:\.\/)?(?<path>(?:src|test|docs|bench|fuzz|examples|scripts|\.ci|\.vscode)\/[\w.<>*{},/-]*)/g;

export function deadPaths(project: Project): string[] {
  return markdown(project).flatMap(([path, text]) =>
    matchingLines(path, text, (line) =>
      [...line.matchAll(namedPath)].some((match) => {
        const named = (match.groups?.["path"] ?? "").replace(/[.,]+$/, "");
        return !/[<*{]/.test(named) && !exists(project, named);
      }),
    ),
  );
}

/** npm scripts that documents name and package.json does not have. */
export function deadScripts(project: Project): string[] {
  const manifest = JSON.parse(project.get("package.json") ?? "{}") as { scripts?: Record<string, string> };
  return markdown(project).flatMap(([path, text]) =>
    matchingLines(path, text, (line) =>
      [...line.matchAll(/\bnpm run (?<script>[\w:-]+)/g)].some(
        (match) => manifest.scripts?.[match.groups?.["script"] ?? ""] === undefined,
      ),
    ),
  );
}

/** Files that the scripts of package.json run and that are not there. */
export function deadScriptFiles(project: Project): string[] {
  const files = [...(project.get("package.json") ?? "").matchAll(/(?<=[" ])(?<file>[\w./-]+\.(?:ts|sh))(?=[" ])/g)];
  return files.map((match) => match.groups?.["file"] ?? "").filter((path) => !exists(project, path));
}

/** Codes that `page` (docs/errors.md) does not describe, by a heading or a table's row, and codes that only it has. */
export function codeMismatches(codes: readonly string[], page: string): string[] {
  const described = /^(?:#+|\|) `?(?<code>[A-Z]+_?[A-Z0-9_]*[A-Z0-9])`?(?: \||\s*$)/gm;
  const onPage = new Set([...page.matchAll(described)].map((match) => match.groups?.["code"] ?? ""));
  const known = new Set(codes);
  return [
    ...codes.filter((code) => !onPage.has(code)).map((code) => `docs/errors.md does not describe ${code}`),
    ...[...onPage].filter((code) => !known.has(code)).map((code) => `docs/errors.md: nothing raises ${code}`),
  ];
}

function markdown(project: Project): [string, string][] {
  return [...project].filter(([path]) => path.endsWith(".md"));
}

/** The text with fenced blocks emptied; line numbers stay. */
function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, (block) => block.replace(/[^\n]/g, ""));
}
