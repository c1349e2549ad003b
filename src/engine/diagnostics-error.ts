import { relative } from "node:path";
import type { Diagnostic } from "../compiler/diagnostics.ts";
import { IovisorError } from "../errors.ts";

/** Kernel code was refused. It carries all diagnostics of the module; the message holds them in tsc's format. */
export class DiagnosticsError extends IovisorError {
  override readonly name = "DiagnosticsError";
  readonly diagnostics: readonly Diagnostic[];

  constructor(diagnostics: readonly Diagnostic[]) {
    const count = diagnostics.length === 1 ? "one error" : `${diagnostics.length} errors`;
    super(
      "E_DIAGNOSTICS",
      `the source has ${count}\n${diagnostics.map(formatDiagnostic).join("\n")}`,
      "mend the source where the diagnostics point; docs/errors.md explains each code",
    );
    this.diagnostics = diagnostics;
  }
}

/** One line as `tsc --pretty false` prints it, known to editors and CI: `file(line,column): error CODE: ...`. */
export function formatDiagnostic({ file, line, column, code, message, remedy }: Diagnostic): string {
  return `${shortPath(file)}(${line},${column}): error ${code}: ${message}${remedy ? ` [${remedy}]` : ""}`;
}

/** Relative to the working directory where that is shorter. */
export function shortPath(path: string): string {
  const near = relative(process.cwd(), path);
  return near.length < path.length && near !== "" ? near : path;
}
