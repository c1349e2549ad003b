/**
 * Brings the diagnostics of `docs/errors.md` up to the compiler's table: one section per code, in the codes' order,
 * that begins with what the code means and ends with what to do. What stands between (an example) is the page's own and
 * stays.
 *
 *     node scripts/errors-page.ts
 */
import { readFileSync, writeFileSync } from "node:fs";
import { diagnosticCodes } from "../src/compiler/diagnostics.ts";

const columns = 120;
const firstSection = "\n## IOV";

/** The page with its diagnostics as the table has them. A test holds the page equal to this. */
export function withDiagnostics(page: string, rows: typeof diagnosticCodes): string {
  const start = page.indexOf(firstSection);
  const head = start === -1 ? page.trimEnd() : page.slice(0, start).trimEnd();
  const examples = examplesByCode(start === -1 ? "" : page.slice(start));
  const sections = rows.map(({ code, meaning, remedy }) => {
    const advice = wrap(linked(`What to do: ${lowerFirst(remedy)}`));
    const parts = [`## ${code}`, wrap(linked(meaning)), examples.get(code) ?? "", advice];
    return parts.filter((part) => part !== "").join("\n\n");
  });
  return `${[head, ...sections].join("\n\n")}\n`;
}

/** What stands between the first and the last paragraph of each section. */
function examplesByCode(text: string): Map<string, string> {
  const sections = text.split("\n## ").slice(1);
  return new Map(
    sections.map((section) => {
      const [code = "", ...paragraphs] = section.trim().split("\n\n");
      return [code, paragraphs.slice(1, -1).join("\n\n")];
    }),
  );
}

/** Words stay as they are where the first one is no ordinary word. */
function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? `${text.charAt(0).toLowerCase()}${text.slice(1)}` : text;
}

function linked(text: string): string {
  return text.replaceAll("docs/language.md", "[docs/language.md](language.md)");
}

function wrap(text: string): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join("\n");
}

if (import.meta.main) {
  const url = new URL("../docs/errors.md", import.meta.url);
  writeFileSync(url, withDiagnostics(readFileSync(url, "utf8"), diagnosticCodes));
}
