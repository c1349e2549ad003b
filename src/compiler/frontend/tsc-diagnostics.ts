import ts from "typescript";
import type { Diagnostic } from "../diagnostics.ts";
import { isInstalledSource } from "./program.ts";

/** tsc looks for some types of the standard library (Promise) only to phrase a message; kernel code has none. */
const missingGlobalType = 2318;

/** tsc's own messages about the module's files, in its words. */
export function tscDiagnostics(program: ts.Program): readonly Diagnostic[] {
  const all = [...program.getOptionsDiagnostics(), ...program.getGlobalDiagnostics()];
  for (const file of program.getSourceFiles()) {
    // What is installed has been checked where it was made; checking it again would be most of the time.
    if (isInstalledSource(file.fileName)) continue;
    const syntax = program.getSyntacticDiagnostics(file);
    all.push(...(syntax.length > 0 ? syntax : program.getSemanticDiagnostics(file)));
  }
  const errors = all.filter((one) => one.category === ts.DiagnosticCategory.Error && one.code !== missingGlobalType);
  return errors.map(converted);
}

function converted({ code, messageText, file, start = 0, length = 0 }: ts.Diagnostic): Diagnostic {
  const message = ts.flattenDiagnosticMessageText(messageText, "\n");
  if (!file) return { code: `TS${code}`, message, file: "", line: 1, column: 1, length: 0 };
  const { line, character } = file.getLineAndCharacterOfPosition(start);
  const lineEnd = file.getLineEndOfPosition(start);
  const shown = Math.max(0, Math.min(length, lineEnd - start));
  return { code: `TS${code}`, message, file: file.fileName, line: line + 1, column: character + 1, length: shown };
}
