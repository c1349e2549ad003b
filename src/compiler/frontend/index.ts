import { basename, resolve } from "node:path";
import ts from "typescript";
import { type Diagnostic, messages } from "../diagnostics.ts";
import { emptyInterface } from "../hir/interface.ts";
import { hirVersion, type Module } from "../hir/tree.ts";
import { checkForm, deepestPlace } from "./form.ts";
import { expandProgram } from "./handlers.ts";
import { moduleFrame, moduleValue } from "./module-scope.ts";
import { createProgram, isLibraryFile, TooDeep } from "./program.ts";
import { Session } from "./session.ts";
import { isStackOverflow } from "./stack.ts";
import { checkSyntax } from "./syntax.ts";
import { tscDiagnostics } from "./tsc-diagnostics.ts";
import type { ProgramValue } from "./values.ts";

export interface CompileOptions {
  /** Text that stands in for files, by absolute path: unsaved edits, generated modules. */
  readonly overlay?: ReadonlyMap<string, string>;
}

export interface Compilation {
  /** Absent when there are diagnostics. */
  readonly module?: Module;
  /** Everything that is wrong, in the order of the files and lines. */
  readonly diagnostics: readonly Diagnostic[];
  /** Absolute paths of the files that the module is made of, for who watches them. */
  readonly dependencies: readonly string[];
}

/**
 * Compiles a kernel module and all that it imports to HIR. What is wrong with the source comes as diagnostics; nothing
 * is thrown for it. Later calls for the same entry reuse what did not change.
 */
export function compileModule(entryPath: string, options: CompileOptions = {}): Compilation {
  const entry = resolve(entryPath);
  let sources: readonly SourceText[] = [];
  try {
    const program = createProgram(entry, options.overlay ?? new Map());
    const file = program.getSourceFile(entry);
    if (!file) return { diagnostics: [missing(entry)], dependencies: [entry] };
    const own = program.getSourceFiles().filter((one) => !isLibraryFile(one.fileName));
    sources = own;
    return compileFiles(program, file, own);
  } catch (error) {
    if (error instanceof TooDeep) sources = [error];
    else if (!isStackOverflow(error)) throw error;
    const diagnostics = sources.map((one) => deepestPlace(one.fileName, one.text));
    return { diagnostics, dependencies: [entry] };
  }
}

interface SourceText {
  readonly fileName: string;
  readonly text: string;
}

function compileFiles(program: ts.Program, file: ts.SourceFile, own: readonly ts.SourceFile[]): Compilation {
  const dependencies = own.map((one) => one.fileName);
  const session = new Session(program, file);
  const fromTsc = tscDiagnostics(program);
  for (const one of own) checkSyntax(session, one);
  evaluateModule(session, file);
  let diagnostics = combine(fromTsc, session.diagnostics);
  if (diagnostics.length === 0 && session.gaveUp) {
    session.report(session.gaveUp, messages.internal("a value is missing"));
    diagnostics = session.diagnostics;
  }
  if (diagnostics.length > 0) return { diagnostics, dependencies };
  const module = moduleOf(session);
  checkForm(session, module);
  ({ diagnostics } = session);
  return diagnostics.length > 0 ? { diagnostics, dependencies } : { module, diagnostics, dependencies };
}

function missing(entry: string): Diagnostic {
  return { code: "TS6053", message: `File '${entry}' not found.`, file: entry, line: 1, column: 1, length: 0 };
}

function moduleOf(session: Session): Module {
  const { maps, settings, programs, callbacks } = session;
  const name = basename(session.entry.fileName).replace(/\.ts$/, "");
  const module = {
    version: hirVersion,
    name,
    sources: session.sources,
    maps,
    settings,
    programs,
    callbacks: callbacks.all,
  };
  return session.interface === emptyInterface ? module : { ...module, interface: session.interface };
}

/** Every declaration of the entry, then every program that it exports. */
function evaluateModule(session: Session, file: ts.SourceFile): void {
  const { checker } = session;
  const frame = moduleFrame(session);
  for (const statement of file.statements) {
    if (!ts.isVariableStatement(statement)) continue;
    for (const { name } of statement.declarationList.declarations) {
      const symbol = ts.isIdentifier(name) ? checker.getSymbolAtLocation(name) : undefined;
      if (symbol) moduleValue(frame, symbol, name);
    }
  }
  const module = checker.getSymbolAtLocation(file);
  const exports = module ? checker.getExportsOfModule(module) : [];
  for (const symbol of exports) {
    if (!isValue(symbol, checker)) continue;
    const value = moduleValue(frame, symbol, symbol.valueDeclaration ?? symbol.declarations?.[0] ?? file);
    if (value.kind === "program") expand(session, symbol.name, value);
  }
  if (session.programs.length === 0 && session.diagnostics.length === 0)
    session.reportAt(file, 0, 0, messages.noProgram());
}

function expand(session: Session, name: string, value: ProgramValue): void {
  try {
    session.programs.push(expandProgram(session, name, value));
  } catch (error) {
    if (isStackOverflow(error)) throw error;
    session.report(value.node, messages.internal(error instanceof Error ? error.message : String(error)));
  }
}

function isValue(symbol: ts.Symbol, checker: ts.TypeChecker): boolean {
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  return (target.flags & ts.SymbolFlags.Value) !== 0;
}

/** What tsc says about a module or a name that is not there; ours says what to use instead. */
const unresolved = /^TS(2304|2307|2552|2580|2583|2584|2585|2591|2693|2792|2868|7016)$/;
const foreign: ReadonlySet<string> = new Set([messages.foreignImport.code, messages.foreignGlobal.code]);

/** Ours about values stay where tsc says nothing about the same line: what it says there is the cause. */
function combine(fromTsc: readonly Diagnostic[], own: readonly Diagnostic[]): readonly Diagnostic[] {
  const line = (one: Diagnostic): string => `${one.file}:${one.line}`;
  const explained = new Set(own.filter((one) => foreign.has(one.code)).map(line));
  const theirs = fromTsc.filter((one) => !(unresolved.test(one.code) && explained.has(line(one))));
  const lines = new Set(theirs.map(line));
  const kept = own.filter((one) => /^IOV1/.test(one.code) || !lines.has(line(one)));
  return [...theirs, ...kept].sort(
    (left, right) => left.file.localeCompare(right.file) || left.line - right.line || left.column - right.column,
  );
}
