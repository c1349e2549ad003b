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
  return errors.map((one) => converted(one, program));
}

function converted(diagnostic: ts.Diagnostic, program: ts.Program): Diagnostic {
  const { code, messageText, file, start = 0, length = 0 } = diagnostic;
  const text = withoutBrands(ts.flattenDiagnosticMessageText(messageText, "\n"));
  const remedy = conversionFor(text) ?? tracepointsFor(text, diagnostic, program);
  const message = { code: `TS${code}`, ...(remedy ? { message: firstLine(text), remedy } : { message: text }) };
  if (!file) return { ...message, file: "", line: 1, column: 1, length: 0 };
  const { line, character } = file.getLineAndCharacterOfPosition(start);
  const lineEnd = file.getLineEndOfPosition(start);
  const shown = Math.max(0, Math.min(length, lineEnd - start));
  return { ...message, file: file.fileName, line: line + 1, column: character + 1, length: shown };
}

/** Without tsc's explanation of how the brands of two integers differ: which integers they are is in the first line. */
function withoutBrands(message: string): string {
  const lines = message.split("\n");
  const brands = lines.findIndex((line) => line.includes("Fits<"));
  return brands > 0 ? lines.slice(0, brands).join("\n") : message;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

const integerType = String.raw`(?:[ui](?:8|16|32|64)|number|bigint|-?\d+n?)`;
const assigned = new RegExp(
  `^(?:Type|Argument of type) '${integerType}' is not assignable to (?:type|parameter of type) '(?<to>[ui]\\d+)'`,
);
const combined = new RegExp(`^Operator '[^']+' cannot be applied to types '${integerType}' and '${integerType}'`);

/** What to write where one integer stands in the place of another. */
function conversionFor(message: string): string | undefined {
  const to = assigned.exec(message)?.groups?.["to"];
  if (to !== undefined) {
    return /64$/.test(to) ? `convert it: ${to}(x); a literal is written 5n` : `convert it: ${to}(x) keeps the low bits`;
  }
  return combined.test(message)
    ? "numbers and 64-bit integers do not mix: convert one side with u64(x) or u32(x); 64-bit literals end with n"
    : undefined;
}

/** Which tracepoints there are, where the name of another one stands. */
function tracepointsFor(message: string, { file, start = 0 }: ts.Diagnostic, program: ts.Program): string | undefined {
  const node = file && / to parameter of type 'keyof (?:Kernel)?Tracepoints'/.test(message) && nodeAt(file, start);
  if (!node) return undefined;
  const checker = program.getTypeChecker();
  const wanted = checker.getContextualType(node);
  const names = wanted && (checker.getBaseConstraintOfType(wanted) ?? wanted);
  if (!names?.isUnion()) return undefined;
  const list = names.types.flatMap((one) => (one.isStringLiteral() ? [one.value] : []));
  const others = list.includes("raw_syscalls:sys_enter")
    ? "; for other system calls take raw_syscalls:sys_enter and compare event.id"
    : "";
  return `there are ${list.join(", ")}${others}`;
}

/** The text that begins there. */
function nodeAt(file: ts.SourceFile, start: number): ts.Expression | undefined {
  const search = (node: ts.Node): ts.Expression | undefined => {
    if (node.getStart(file) === start && ts.isStringLiteralLike(node)) return node;
    return ts.forEachChild(node, (child) => (child.pos <= start && start < child.end ? search(child) : undefined));
  };
  return search(file);
}
