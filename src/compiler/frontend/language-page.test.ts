import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { compileClean, expectDiagnostics, moduleText } from "./testing.ts";

const page = readFileSync(new URL("../../../docs/language.md", import.meta.url), "utf8");

/** A block is a module, or declarations and (behind "// in a handler") the statements of a packet handler. */
function moduleOf(block: string): string {
  if (block.includes('from "iovisor/kernel"')) return block;
  const [declarations = "", body = ""] = block.split("// in a handler\n");
  return moduleText(`${body}\n  return Drop;`, declarations);
}

/** Lines that end with a code are refused with it. */
function marked(source: string): { readonly source: string; readonly refused: boolean } {
  const lines = source.split("\n").flatMap((line) => {
    const code = /\/\/ (?<code>(IOV|TS)\d+)$/.exec(line)?.groups?.["code"];
    return code ? [`// @expect ${code}`, line] : [line];
  });
  return { source: lines.join("\n"), refused: lines.some((line) => line.startsWith("// @expect ")) };
}

describe("docs/language.md", () => {
  for (const match of page.matchAll(/^```ts\n(?<block>[\s\S]*?)^```$/gm)) {
    const line = page.slice(0, match.index).split("\n").length;
    const { source, refused } = marked(moduleOf(match.groups!["block"]!));
    const clean = source.replace(/^\/\/ @expect .*\n.*\n/gm, "");
    it(`line ${line}: what it shows compiles`, () => {
      compileClean(clean);
    });
    if (refused)
      it(`line ${line}: what it marks is refused`, () => {
        expectDiagnostics(source);
      });
  }
});
