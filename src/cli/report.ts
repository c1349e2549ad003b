import { readFileSync } from "node:fs";
import type { Diagnostic } from "../compiler/diagnostics.ts";
import { DiagnosticsError, formatDiagnostic, shortPath } from "../engine/diagnostics-error.ts";
import { GraphError } from "../engine/graph/problems.ts";
import { IovisorError } from "../errors.ts";
import { exitCodes } from "./exit-codes.ts";
import { toJson } from "./json.ts";
import { isTerminal, paint } from "./terminal.ts";

export type OutputFormat = "table" | "json";

export interface ReportOptions {
  readonly debug?: boolean;
  readonly output?: OutputFormat;
  /** Print the verifier's whole log. */
  readonly verifierLog?: boolean;
}

/** Prints an error on stderr and gives the exit code that fits. */
export function reportError(thrown: unknown, options: ReportOptions = {}): number {
  const error = explained(thrown);
  process.stderr.write(`${describeError(error, options)}\n`);
  return error instanceof IovisorError && error.code === "E_USAGE" ? exitCodes.usage : exitCodes.failed;
}

/** An error for people (what, where, remedy, code), or as one line of JSON. */
export function describeError(thrown: unknown, options: ReportOptions = {}): string {
  const error = explained(thrown);
  if (options.output === "json") return toJson(errorObject(error));
  const stack = options.debug && error instanceof Error && error.stack ? `\n${error.stack}` : "";
  if (error instanceof DiagnosticsError) return describeDiagnostics(error.diagnostics) + stack;
  if (!(error instanceof IovisorError)) return describeUnexpected(error) + stack;
  const log = "log" in error && options.verifierLog ? `${error.log}\n` : "";
  const head = `${paint("red", "error", process.stderr)}: ${error.message}`;
  return `${log}${head}\n  ${error.remedy} ${paint("dim", `[${error.code}]`, process.stderr)}${stack}`;
}

/** From a folder that was removed Node cannot say where a relative path leads. */
function explained(error: unknown): unknown {
  if ((error as Partial<NodeJS.ErrnoException> | undefined)?.syscall !== "uv_cwd") return error;
  return new IovisorError("E_USAGE", "the current folder was removed", "change to a folder that is there");
}

function describeUnexpected(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  const head = `${paint("red", "unexpected error", process.stderr)}: ${message}`;
  return `${head}\n  this is a defect of iovisor; run it again with --debug and report what it prints`;
}

function errorObject(error: unknown): object {
  if (error instanceof DiagnosticsError) {
    return {
      error: { code: error.code, message: error.message, remedy: error.remedy, diagnostics: error.diagnostics },
    };
  }
  if (error instanceof IovisorError) {
    return { error: { code: error.code, message: error.message, remedy: error.remedy, ...faultsOf(error) } };
  }
  return { error: { code: "E_UNEXPECTED", message: error instanceof Error ? error.message : String(error) } };
}

function faultsOf(error: IovisorError): object {
  if ("faults" in error) return { faults: error.faults };
  if (!(error instanceof GraphError)) return {};
  return { faults: error.problems.map(({ path, ...problem }) => ({ pointer: path, ...problem })) };
}

/** Diagnostics as tsc prints them: with the source and colours on a terminal, a line each elsewhere. */
export function describeDiagnostics(diagnostics: readonly Diagnostic[]): string {
  const pretty = isTerminal(process.stderr);
  const texts = diagnostics.map((one) => (pretty ? prettyDiagnostic(one) : formatDiagnostic(one)));
  const count = diagnostics.length === 1 ? "1 error" : `${diagnostics.length} errors`;
  return [...texts, `${count} [E_DIAGNOSTICS]`].join("\n");
}

function prettyDiagnostic({ file, line, column, length, code, message, remedy }: Diagnostic): string {
  const place = `${paint("cyan", shortPath(file), process.stderr)}:${line}:${column}`;
  const head = `${place} - ${paint("red", "error", process.stderr)} ${paint("dim", code, process.stderr)}: ${message}`;
  const text = readLine(file, line);
  const parts = [head];
  if (text !== undefined) {
    const number = String(line);
    const marks = " ".repeat(column - 1) + "~".repeat(Math.max(1, Math.min(length, text.length - column + 1)));
    parts.push(`  ${number} ${text}`, `  ${" ".repeat(number.length)} ${paint("red", marks, process.stderr)}`);
  }
  if (remedy) parts.push(`  ${remedy}`);
  return parts.join("\n");
}

function readLine(file: string, line: number): string | undefined {
  try {
    return readFileSync(file, "utf8").split("\n")[line - 1];
  } catch {
    return undefined;
  }
}
