import ts from "typescript";
import { isSource, isTest, matchingLines, type Project } from "./project.ts";

const maximumFileLines = 500;
const maximumFunctionLines = 70;
const maximumColumns = 120;

export function longFiles(project: Project): string[] {
  return [...project].flatMap(([path, text]) => {
    const lines = text.split("\n").length - 1;
    return isSource(path) && lines > maximumFileLines ? [`${path}: ${lines} lines`] : [];
  });
}

/**
 * Lines wider than the limit. Some cannot be wrapped: a Markdown table's row, a long word (a link), a line that is one
 * literal (a regular expression; a message, which stays whole so that it can be searched for).
 */
export function wideLines(project: Project): string[] {
  return [...project].flatMap(([path, text]) => {
    const unwrappable = path.endsWith(".md")
      ? /^\s*\||^\S*\s?\S+$/
      : /^\W*\S*$|^\s*(?!\/[/*])(["'`/]).*\1[a-z]*[,;)]*$/;
    return matchingLines(path, text, (line) => [...line].length > maximumColumns && !unwrappable.test(line));
  });
}

/** Functions, methods and arrow functions that are too long. A `describe` is a list of tests, not a function. */
export function longFunctions(project: Project): string[] {
  const violations: string[] = [];
  for (const [path, text] of project) {
    if (!isSource(path)) continue;
    const source = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true);
    const lineAt = (position: number): number => source.getLineAndCharacterOfPosition(position).line + 1;
    const visit = (node: ts.Node): void => {
      if (ts.isFunctionLike(node) && "body" in node && node.body && !isDescribe(node.parent)) {
        const first = lineAt(node.getStart(source));
        const lines = lineAt(node.end) - first + 1;
        if (lines > maximumFunctionLines) violations.push(`${path}:${first}: a function of ${lines} lines`);
      }
      ts.forEachChild(node, visit);
    };
    visit(source);
  }
  return violations;
}

function isDescribe(node: ts.Node): boolean {
  return ts.isCallExpression(node) && /^(describe|suite)\b/.test(node.expression.getText());
}

/** Marks of unfinished work. Written in parts here, so that this file does not contain them. */
const unfinished = new RegExp(
  `\\b(${[
    ["TO", "DO"],
    ["FIX", "ME"],
    ["XX", "X"],
    ["HA", "CK"],
  ]
    .map((p) => p.join(""))
    .join("|")})\\b`,
);

export function unfinishedMarks(project: Project): string[] {
  return [...project].flatMap(([path, text]) => matchingLines(path, text, (line) => unfinished.test(line)));
}

/** Tests that are singled out, put off, or skipped without a reason. */
const switchedOff = /\b(it|test|describe|suite)\.(skip|only|todo)\(|\b(skip|only|todo): true\b|\btodo: ["'`]/;

export function switchedOffTests(project: Project): string[] {
  return [...project].flatMap(([path, text]) =>
    isTest(path) ? matchingLines(path, text, (line) => switchedOff.test(stripStrings(line))) : [],
  );
}

/** Tests of test tools hold such code as text. */
function stripStrings(line: string): string {
  return line.replace(/`[^`]*`/g, "``").replace(/"[^"]*"/g, '""');
}
