import type { IrFunction } from "../ir/ir.ts";
import { parseIr } from "../ir/parse.ts";
import { printFunction } from "../ir/text.ts";
import { assertIr } from "../ir/verify.ts";

/** The body of a function of one context parameter, v0, after the passes: lines of text, checked to be well formed. */
export function after(body: string, ...passes: readonly ((fn: IrFunction) => boolean)[]): string[] {
  const lines = body
    .trim()
    .split("\n")
    .map((line) => `  ${line.trim()}`);
  const labelled = lines.map((line) => (/^ {2}b\d+/.test(line) ? line.trim() : line)).join("\n");
  const program = parseIr(`program p\n\nglobal function p(v0: context) {\n${labelled}\n}\n`);
  const [fn] = program.functions;
  for (const pass of passes) pass(fn!);
  assertIr(program);
  return printFunction(fn!)
    .split("\n")
    .slice(1, -2)
    .map((line) => line.trim());
}
